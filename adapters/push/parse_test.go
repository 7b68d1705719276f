package push_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// testdata holds bodies in the form that each service documents.
func documented(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestParseDocumented(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file     string
		kind     push.Kind
		registry string
		want     []string
	}{
		{file: "distribution_push.json", kind: push.Distribution, want: []string{"registry.example.com:5000/shop/api:1.0"}},
		{file: "distribution_push.json", kind: push.Distribution, registry: "images.example.com", want: []string{"images.example.com/shop/api:1.0"}},
		{file: "distribution_pull.json", kind: push.Distribution},
		{file: "distribution_delete.json", kind: push.Distribution, want: []string{"registry.example.com:5000/shop/api", "registry.example.com:5000/shop/api:old"}},
		{file: "dockerhub.json", kind: push.DockerHub, want: []string{"docker.io/team/app:latest"}},
		{file: "harbor_push.json", kind: push.Harbor, want: []string{"hub.example.com/shop/debian:latest"}},
		{file: "harbor_push.json", kind: push.Harbor, registry: "pull.example.com:8443", want: []string{"pull.example.com:8443/shop/debian:latest"}},
		{file: "harbor_cloudevents.json", kind: push.Harbor, want: []string{"hub.example.com/shop/debian:v2"}},
		{file: "harbor_delete.json", kind: push.Harbor, want: []string{"hub.example.com/shop/debian"}},
		{file: "harbor_scan.json", kind: push.Harbor},
		{file: "quay.json", kind: push.Quay, want: []string{"quay.io/team/app:latest", "quay.io/team/app:v1"}},
		{file: "quay_old.json", kind: push.Quay, want: []string{"quay.io/team/app:latest"}},
		{file: "quay_build.json", kind: push.Quay},
		{file: "github_package.json", kind: push.GitHub, want: []string{"ghcr.io/octo-org/app:1.2"}},
		{file: "github_registry_package.json", kind: push.GitHub, want: []string{"ghcr.io/octo-org/app:1.2"}},
		{file: "github_untagged.json", kind: push.GitHub},
		{file: "github_npm.json", kind: push.GitHub},
		{file: "github_ping.json", kind: push.GitHub},
		{file: "acr_push.json", kind: push.ACR, want: []string{"myregistry.azurecr.io/hello-world:v1"}},
		{file: "acr_delete.json", kind: push.ACR, want: []string{"myregistry.azurecr.io/hello-world"}},
		{file: "acr_ping.json", kind: push.ACR},
		{file: "pubsub_tag.json", kind: push.PubSub, want: []string{"us-east1-docker.pkg.dev/my-project/my-repo/hello-world:1.1"}},
		{file: "pubsub_digest.json", kind: push.PubSub},
		{file: "pubsub_unwrapped.json", kind: push.PubSub, want: []string{"us-east1-docker.pkg.dev/my-project/my-repo/hello-world"}},
		{file: "generic.json", kind: push.Generic, want: []string{"registry.example.com/shop/api:1.0", "registry.example.com/shop/web"}},
	} {
		t.Run(string(test.kind)+"/"+test.file+"/"+test.registry, func(t *testing.T) {
			t.Parallel()
			events, err := push.Parse(push.Source{Kind: test.kind, Registry: test.registry}, documented(t, test.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, texts(events)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func texts(events []push.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, strings.TrimSuffix(e.Repository.String()+":"+e.Tag, ":"))
	}
	return all
}

// TestParseNames: however a body or a source names a repository, the event has its
// canonical name, once.
func TestParseNames(t *testing.T) {
	t.Parallel()
	const generic = `{"references": ["docker.io/nginx:1.27", "index.docker.io/library/nginx:1.27", "registry-1.docker.io:443/nginx:1.27"]}`
	for _, test := range []struct {
		source push.Source
		body   string
		want   string
	}{
		{push.Source{Kind: push.DockerHub}, `{"push_data": {"tag": "1.27"}, "repository": {"repo_name": "library/nginx"}}`, "docker.io/library/nginx:1.27"},
		{push.Source{Kind: push.DockerHub}, `{"push_data": {"tag": "1.27"}, "repository": {"repo_name": "nginx"}}`, "docker.io/library/nginx:1.27"},
		{push.Source{Kind: push.Generic}, generic, "docker.io/library/nginx:1.27"},
		{push.Source{Kind: push.Generic, Registry: "registry.hub.docker.com"}, `{"reference": "mirror.example.com/nginx:1.27"}`, "docker.io/library/nginx:1.27"},
		{push.Source{Kind: push.Generic}, `{"references": ["ghcr.io:443/team/app:2", "GHCR.io/team/app:2"]}`, "ghcr.io/team/app:2"},
	} {
		events, err := push.Parse(test.source, []byte(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
		}
		if diff := cmp.Diff([]string{test.want}, texts(events)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.body, diff)
		}
	}
}

func TestParseForm(t *testing.T) {
	t.Parallel()
	form := "payload=%7B%22package%22%3A%7B%22package_type%22%3A%22CONTAINER%22%2C%22package_version%22%3A%7B%22package_url%22%3A%22ghcr.io%2Fteam%2Fapp%3A2%22%7D%7D%7D"
	events, err := push.Parse(push.Source{Kind: push.GitHub}, []byte(form))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ghcr.io/team/app:2"}, texts(events)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestParseHostile: names that are no references give nothing, whatever they
// try to be.
func TestParseHostile(t *testing.T) {
	t.Parallel()
	for name, reference := range map[string]string{
		"another host in the path": `"host": "registry.example.com"}, "target": {"repository": "x@evil.example.com/y", "tag": "1"`,
		"a path out":               `"host": "registry.example.com"}, "target": {"repository": "../../etc/passwd", "tag": "1"`,
		"a tag that is a path":     `"host": "registry.example.com"}, "target": {"repository": "x", "tag": "../1"`,
		"a digest as a tag":        `"host": "registry.example.com"}, "target": {"repository": "x", "tag": "1@sha256:00"`,
		"a host with a path":       `"host": "registry.example.com/evil"}, "target": {"repository": "x", "tag": "1"`,
		"a host with a user":       `"host": "user@registry.example.com"}, "target": {"repository": "x", "tag": "1"`,
		"no host":                  `"host": ""}, "target": {"repository": "x", "tag": "1"`,
		"a host without a dot":     `"host": "registry"}, "target": {"repository": "x", "tag": "1"`,
		"line breaks":              `"host": "registry.example.com"}, "target": {"repository": "x\ny", "tag": "1\n2"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"events": [{"action": "push", "request": {` + reference + `}}]}`
			events, err := push.Parse(push.Source{Kind: push.Distribution}, []byte(body))
			if err != nil || len(events) > 0 {
				t.Errorf("%v, %v; want nothing", events, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, kind := range push.Kinds() {
		for name, body := range map[string]string{
			"nothing": "", "no JSON": "<xml/>", "another type": `"text"`, "a list": `[]`, "half": `{"events": [`,
			"wrong types": `{"events": 1, "type": 2, "docker_url": 3, "package": 4, "action": 5, "message": 6, "reference": 7, "repository": 8}`,
		} {
			if _, err := push.Parse(push.Source{Kind: kind}, []byte(body)); !errors.Is(err, errkind.Invalid) {
				t.Errorf("%s: %s: %v, want a refusal", kind, name, err)
			}
		}
	}
	for kind, says := range map[push.Kind]string{push.Distribution: "events", push.DockerHub: "repo_name", push.Harbor: "type",
		push.Quay: "docker_url", push.ACR: "action", push.PubSub: "action", push.Generic: "reference"} {
		if _, err := push.Parse(push.Source{Kind: kind}, []byte(`{}`)); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want that it lacks %s", kind, err, says)
		}
	}
	inner := base64.StdEncoding.EncodeToString([]byte("no JSON"))
	if _, err := push.Parse(push.Source{Kind: push.PubSub}, []byte(`{"message": {"data": "`+inner+`"}}`)); !errors.Is(err, errkind.Invalid) {
		t.Errorf("a message that holds no JSON: %v", err)
	}
	if _, err := push.Parse(push.Source{Kind: push.Generic}, []byte(`{"reference": "shop/api:1"}`)); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "shop/api:1") {
		t.Errorf("a reference without a registry: %v", err)
	}
}

// FuzzParse: whatever a body holds, what comes out is a reference.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for kind := range push.Kinds() {
			f.Add(kind, documented(f, filepath.Base(file)), "")
		}
	}
	f.Add(1, []byte(`{"repository": {"repo_name": "library/x"}, "push_data": {"tag": "1"}}`), "registry.example.com")
	f.Fuzz(func(t *testing.T, kind int, body []byte, registry string) {
		kinds := push.Kinds()
		events, err := push.Parse(push.Source{Kind: kinds[uint(kind)%uint(len(kinds))], Registry: registry}, body)
		if err != nil && !errors.Is(err, errkind.Invalid) && !errors.Is(err, errkind.Limit) {
			t.Errorf("an error of no kind: %v", err)
		}
		for _, event := range events {
			holds(t, event, registry)
		}
	})
}
