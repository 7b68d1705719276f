package sources_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
)

// answers are what an engine says, as its API is documented.
func engineAnswers() map[string]string {
	digest, older, nameless := strings.Repeat("1", 64), strings.Repeat("3", 64), "sha256:"+strings.Repeat("2", 64)
	return map[string]string{
		"/containers/json": `[
			{"Id": "c1", "Names": ["/web"], "Image": "nginx:1.27", "ImageID": "sha256:i1", "Labels": {"tagwatch/types": "tag_update"}},
			{"Id": "c2", "Names": ["/api"], "Image": "sha256:i2", "ImageID": "sha256:i2", "Labels": {}},
			{"Id": "c3", "Names": ["/dev"], "Image": "shop-dev", "ImageID": "sha256:i3", "Labels": null},
			{"Id": "c6", "Names": ["/renamed"], "Image": "shop/web:1", "ImageID": "sha256:i1"},
			{"Id": "c7", "Names": ["/arm"], "Image": "index.docker.io/library/nginx:1.27", "ImageID": "sha256:i1", "ImageManifestDescriptor": {"platform": {"os": "linux", "architecture": "arm64"}}},
			{"Id": "c8", "Names": ["/pulled-anew"], "Image": "ghcr.io/shop/job:1", "ImageID": "sha256:gone"},
			{"Id": "c9", "Names": ["/untagged"], "Image": "sha256:i9", "ImageID": "sha256:i9"},
			{"Id": "c4", "Names": ["/off"], "Image": "redis:7", "ImageID": "sha256:i1", "Labels": {"tagwatch/watch": "false"}},
			{"Id": "t1", "Names": ["/queue.1.abc"], "Image": "rabbitmq:4@sha256:` + digest + `", "ImageID": "sha256:i9", "Labels": {"com.docker.swarm.service.name": "queue"}},
			{"Id": "c10", "Names": ["/by-id"], "Image": "sha256:i4", "ImageID": "sha256:i4"},
			{"Id": "c11", "Names": ["/by-short-id"], "Image": "abc", "ImageID": "sha256:abcdef"},
			{"Id": "c12", "Names": ["/removed-meanwhile"], "Image": "sha256:i2", "ImageID": "sha256:i2"},
			{"Id": "c5", "Names": [], "Image": "` + nameless + `", "ImageID": "` + nameless + `"}]`,
		"/containers/c2/json":             `{"Config": {"Image": "ghcr.io/shop/api:2"}}`,
		"/containers/c10/json":            `{"Config": {"Image": "sha256:i4"}}`,
		"/containers/c11/json":            `{"Config": {"Image": "abc"}}`,
		"/images/sha256:i4/json":          `{"RepoTags": ["ghcr.io/shop/job:1", "job:2"], "RepoDigests": ["ghcr.io/shop/job@sha256:` + digest + `"], "Os": "linux", "Architecture": "amd64"}`,
		"/containers/c9/json":             `{"Config": {"Image": "shop/lost:1"}}`,
		"/images/sha256:i9/json":          `{"RepoTags": [], "RepoDigests": [], "Os": "linux", "Architecture": "amd64"}`,
		"/images/ghcr.io/shop/job:1/json": `{"RepoTags": ["ghcr.io/shop/job:1"], "RepoDigests": ["ghcr.io/shop/job@sha256:` + digest + `"], "Os": "linux", "Architecture": "amd64"}`,
		"/containers/c5/json":             `{"Config": {"Image": ""}}`,
		"/images/" + nameless + "/json":   `{}`,
		"/images/sha256:i1/json":          `{"RepoDigests": ["nginx@sha256:` + digest + `", "redis@sha256:` + digest + `"], "Os": "linux", "Architecture": "amd64"}`,
		"/images/sha256:i2/json":          `{"RepoDigests": ["ghcr.io/shop/api@sha256:` + digest + `"], "Os": "linux", "Architecture": "arm64", "Variant": "v8"}`,
		"/images/sha256:i3/json":          `{"RepoTags": ["shop-dev:latest"], "RepoDigests": [], "Os": "linux", "Architecture": "amd64"}`,
		"/tasks": `[{"ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:4@sha256:` + digest + `"}}, "Status": {"State": "running"}},
			{"ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:4@sha256:` + digest + `"}}, "Status": {"State": "preparing"}},
			{"ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:3@sha256:` + older + `"}}, "Status": {"State": "running"}},
			{"ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:4@sha256:` + older + `"}}, "Status": {"State": "running"}},
			{"ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:4@sha256:` + older + `"}}, "Status": {"State": "running"}}]`,
		"/services": `[{"ID": "s1", "Spec": {"Name": "queue", "Labels": {"tagwatch/interval": "10m"}, "TaskTemplate": {"ContainerSpec": {"Image": "rabbitmq:4@sha256:` + digest + `"}}}}]`,
	}
}

// engineAt serves those answers at a socket; an answer that begins with a number has this
// status.
func engineAt(t *testing.T, answers map[string]string) (address, folder string) {
	t.Helper()
	folder = t.TempDir()
	socket := filepath.Join(folder, "e.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		answer, known := answers[request.URL.Path]
		switch {
		case request.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case !known:
			w.WriteHeader(http.StatusNotFound)
		default:
			if status, err := strconv.Atoi(answer[:min(3, len(answer))]); err == nil {
				w.WriteHeader(status)
				answer = answer[3:]
			}
			_, _ = w.Write([]byte(answer)) // the test fails without
		}
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket, folder
}

func TestEngine(t *testing.T) {
	t.Parallel()
	answers := engineAnswers()
	address, folder := engineAt(t, answers)
	s := source.Source{Kind: source.Docker, Paths: []string{address}}
	reading, err := reader(t, folder).Read(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, found := range reading.Found {
		got = append(got, describe(found, folder))
	}
	want := []string{
		"container api | ghcr.io/shop/api:2 | -> ghcr.io/shop/api:2@linux/arm64/v8",
		"container arm | index.docker.io/library/nginx:1.27 | -> index.docker.io/library/nginx:1.27@linux/arm64",
		"container by-id | sha256:i4 | not_image: an image's identifier; to watch a tag, create the container from it: the engine has the image as ghcr.io/shop/job:1, job:2",
		"container by-short-id | abc | not_image: an image's identifier, of which no registry is known",
		"container c5 | sha256:" + strings.Repeat("2", 64) + " | not_image: an image's identifier, of which no registry is known",
		"container dev | shop-dev | built: the image that runs has no digest of this repository",
		"container off | redis:7 | off with {Watch:false Types:[] Endpoints:[] When: Interval:0s}",
		"container pulled-anew | ghcr.io/shop/job:1 | -> ghcr.io/shop/job:1",
		"container renamed | shop/web:1 | built: the image that runs has no digest of this repository",
		"container untagged | shop/lost:1 | nameless: whether its image is of a registry is not known",
		"container web | nginx:1.27 | -> docker.io/nginx:1.27 with {Watch: Types:[tag_update] Endpoints:[] When: Interval:0s}",
		"service queue | rabbitmq:4@sha256:" + strings.Repeat("1", 64) + " | -> docker.io/rabbitmq:4 pinned to 111111111111 with {Watch: Types:[] Endpoints:[] When: Interval:10m0s}",
		"service queue | rabbitmq:3@sha256:" + strings.Repeat("3", 64) + " | -> docker.io/rabbitmq:3 pinned to 333333333333 with {Watch: Types:[] Endpoints:[] When: Interval:10m0s}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
}

// TestEngineRuns reads which digests run: the tasks of a service once, whatever node they
// are on, and the containers of a Compose service as one workload.
func TestEngineRuns(t *testing.T) {
	t.Parallel()
	answers := engineAnswers()
	id := "sha256:" + strings.Repeat("4", 64)
	old := "sha256:" + strings.Repeat("5", 64)
	compose := `"Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}`
	answers["/containers/json"] = `[
		{"Id": "c1", "Names": ["/shop-web-1"], "Image": "nginx:1.27", "ImageID": "sha256:i1", ` + compose + `},
		{"Id": "c2", "Names": ["/shop-web-2"], "Image": "nginx:1.27", "ImageID": "` + old + `", ` + compose + `},
		{"Id": "c3", "Names": ["/two-names"], "Image": "nginx:1.27", "ImageID": "` + id + `"},
		{"Id": "c4", "Names": ["/arm"], "Image": "nginx:1.27", "ImageID": "sha256:i1", "ImageManifestDescriptor": {"digest": "` + old + `", "platform": {"os": "linux", "architecture": "arm64"}}},
		{"Id": "t1", "Names": ["/queue.1.abc"], "Image": "rabbitmq:4@sha256:` + strings.Repeat("1", 64) + `", "ImageID": "sha256:i1", "Labels": {"com.docker.swarm.service.name": "queue", "com.docker.swarm.task.id": "k1"}}]`
	// A task that was not made with a digest runs what its container does, as long as it is on this node.
	answers["/tasks"] = strings.Replace(answers["/tasks"], "[", `[{"ID": "k1", "ServiceID": "s1", "Spec": {"ContainerSpec": {"Image": "rabbitmq:4"}}, "Status": {"State": "running"}},`, 1)
	answers["/images/sha256:i1/json"] = `{"RepoDigests": ["nginx@sha256:` + strings.Repeat("1", 64) + `", "rabbitmq@sha256:` + strings.Repeat("1", 64) + `"]}`
	answers["/images/"+id+"/json"] = `{"RepoTags": ["nginx:1.27"], "RepoDigests": ["nginx@` + id + `", "nginx@` + old + `"]}`
	runs := func() []string {
		address, folder := engineAt(t, answers)
		reading, err := reader(t, folder).Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{address}}, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, found := range reading.Found {
			for _, w := range found.Workloads {
				for _, r := range w.Running {
					got = append(got, fmt.Sprintf("%s: %s %s/%s %d of %s", found.Place, w.Kind, w.Namespace, w.Name, r.Count, strings.TrimPrefix(r.Digest.Short(), "sha256:")))
				}
			}
		}
		slices.Sort(got)
		return got
	}
	containers := []string{"container arm: container /arm 1 of 555555555555", "container shop-web-1: service shop/web 1 of 111111111111",
		"container shop-web-2: service shop/web 1 of 555555555555", "container two-names: container /two-names 1 of 444444444444"}
	want := append(slices.Clone(containers), "service queue: service /queue 1 of 333333333333", "service queue: service /queue 2 of 111111111111", "service queue: service /queue 2 of 333333333333")
	if diff := cmp.Diff(want, runs()); diff != "" {
		t.Errorf("of a manager (-want +got)\n%s", diff)
	}
	answers["/services"] = "503" // on another node, the containers are all that it knows
	if diff := cmp.Diff(append(slices.Clone(containers), "service queue: service /queue 1 of 111111111111"), runs()); diff != "" {
		t.Errorf("of a worker (-want +got)\n%s", diff)
	}
}

// What an engine does not say is an error, not a shorter list.
func TestEngineFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, answer string
		kind         error
	}{
		"no Swarm":                      {"/services", `503{"message": "This node is not a swarm manager."}`, nil},
		"a Swarm that is locked":        {"/services", `503{"message": "Swarm is encrypted and needs to be unlocked before it can be used."}`, errkind.Unavailable},
		"a manager that starts":         {"/services", `503{"message": "This node is not a swarm manager. Manager is being prepared or has trouble connecting to the cluster."}`, errkind.Unavailable},
		"services are not let through":  {"/services", "403", errkind.Unauthorized},
		"tasks are not let through":     {"/tasks", "403", errkind.Unauthorized},
		"containers fail":               {"/containers/json", "503", errkind.Unavailable},
		"an image is not let through":   {"/images/sha256:i2/json", "403", errkind.Unauthorized},
		"an answer that breaks off":     {"/containers/json", `[{"Id": "c1"`, errkind.Unavailable},
		"an answer of something else":   {"/containers/json", `<html>`, errkind.Unavailable},
		"a container that just stopped": {"/containers/c2/json", "503", errkind.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := engineAnswers()
			answers[test.path] = test.answer
			address, folder := engineAt(t, answers)
			reading, err := reader(t, folder).Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{address}}, "")
			if test.kind == nil {
				if err != nil || len(reading.Found) != 12 {
					t.Errorf("found %v, %v", reading.Found, err)
				}
				return
			}
			if !errors.Is(err, test.kind) || len(reading.Found) > 0 {
				t.Errorf("found %v, error %v, want %v", reading.Found, err, test.kind)
			}
			if _, err := reader(t, t.TempDir()).Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{address}}, ""); !errors.Is(err, errkind.Unauthorized) {
				t.Errorf("a socket outside of the worker's paths: %v", err)
			}
		})
	}
	gone := "unix://" + filepath.Join(t.TempDir(), "none.sock")
	if _, err := reader(t, "/").Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{gone}}, ""); !errors.Is(err, errkind.Unavailable) {
		t.Errorf("no engine: %v", err)
	}
}

// A manager of a Swarm that cannot say what runs is not an engine without one.
func TestEngineOfSwarm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		info string
		kind error
	}{
		"without a Swarm":            {`{"Swarm": {"LocalNodeState": "inactive"}}`, nil},
		"an engine that knows none":  {`{}`, nil},
		"a worker":                   {`{"Swarm": {"LocalNodeState": "active"}}`, nil},
		"locked":                     {`{"Swarm": {"LocalNodeState": "locked"}}`, errkind.Unavailable},
		"not started":                {`{"Swarm": {"LocalNodeState": "error"}}`, errkind.Unavailable},
		"a manager without the rest": {`{"Swarm": {"LocalNodeState": "pending", "ControlAvailable": true}}`, errkind.Unavailable},
		"not let through":            {`403`, nil},
		"nothing":                    {`500`, errkind.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := engineAnswers()
			answers["/services"], answers["/info"] = `503{"message": "This node is not a swarm manager."}`, test.info
			address, folder := engineAt(t, answers)
			reading, err := reader(t, folder).Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{address}}, "")
			if !errors.Is(err, test.kind) || (len(reading.Found) > 0) != (test.kind == nil) {
				t.Errorf("found %d, error %v, want %v", len(reading.Found), err, test.kind)
			}
		})
	}
}

// TestEngineOfOtherPlatform: the image of a service is watched on the platform of the tasks
// that run here, and read again soon as long as some have not started.
func TestEngineOfOtherPlatform(t *testing.T) {
	t.Parallel()
	answers := engineAnswers()
	answers["/images/sha256:i9/json"] = `{"Os": "linux", "Architecture": "arm64"}`
	for _, changing := range []bool{true, false} {
		if !changing {
			answers["/tasks"] = strings.ReplaceAll(answers["/tasks"], "preparing", "running")
		}
		address, folder := engineAt(t, answers)
		reading, err := reader(t, folder).Read(t.Context(), source.Source{Kind: source.Docker, Paths: []string{address}}, "")
		if err != nil || reading.Changing != changing {
			t.Fatalf("changing %t, %v; want %t", reading.Changing, err, changing)
		}
		for _, found := range reading.Found {
			if found.Place == "service queue" && found.Target.Platform.String() != "linux/arm64" {
				t.Errorf("%s is watched as %s", found.Text, found.Target)
			}
		}
	}
}
