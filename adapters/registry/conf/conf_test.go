package conf_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const everything = `
unqualified-search-registries = ["docker.io"]
short-name-mode = "enforcing"

[[registry]]
prefix = "docker.io"
location = "hub.internal:5000/proxy"
insecure = true

[[registry.mirror]]
location = "mirror.internal/hub"
insecure = true
pull-from-mirror = "all"

[[registry]]
location = "registry.example.com"
mirror-by-digest-only = true
  [[registry.mirror]]
  location = "[fd12::1]:5000"

[[registry]]
prefix = "*.forbidden.example"
blocked = true

[aliases]
"nginx" = "docker.io/library/nginx"

[tagwatch.host."Registry.example.com"]
requests-per-second = 2.5
concurrency = 3
proxy = "http://proxy.internal:3128"
ca-file = "/etc/ssl/ca.pem"
client-certificate = "/etc/ssl/client.pem"
client-key = "/etc/ssl/client.key"

[tagwatch.host."mirror.internal"]
proxy = "none"
`

func TestRead(t *testing.T) {
	t.Parallel()
	path := write(t, everything)
	got, err := conf.Read(path, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	want := &conf.File{
		Path: path, Ignored: []string{"aliases", "short-name-mode", "unqualified-search-registries"},
		Registries: []conf.Registry{
			{Prefix: "docker.io", Location: "hub.internal:5000/proxy", Insecure: true, Section: "registry[0]",
				Mirrors: []conf.Mirror{{Location: "mirror.internal/hub", Insecure: true, Pull: conf.PullAll}}},
			{Prefix: "registry.example.com", Location: "registry.example.com", Section: "registry[1]",
				Mirrors: []conf.Mirror{{Location: "[fd12::1]:5000", Pull: conf.PullDigests}}},
			{Prefix: "*.forbidden.example", Blocked: true, Section: "registry[2]"},
		},
		Hosts: map[string]conf.Host{
			"registry.example.com": {RequestsPerSecond: 2.5, Concurrency: 3, CAFile: "/etc/ssl/ca.pem",
				Proxy:             &url.URL{Scheme: "http", Host: "proxy.internal:3128"},
				ClientCertificate: "/etc/ssl/client.pem", ClientKey: "/etc/ssl/client.key"},
			"mirror.internal": {Proxy: &url.URL{}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("file (-want +got)\n%s", diff)
	}
	if empty, err := conf.Read("", os.ReadFile); err != nil || empty.Find("docker.io/library/nginx") != nil {
		t.Errorf("without a file: %+v, %v", empty, err)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, content string
		says          []string
	}{
		{"syntax", "[[registry]\n", []string{"line 1"}},
		{"unknown key", "[[registry]]\nlocation = \"a.example\"\nlocaton = \"b.example\"\n", []string{"line 3", "registry.locaton"}},
		{"unknown key of a mirror", "[[registry]]\nlocation='a.example'\n[[registry.mirror]]\nlocation='b.example'\npull='all'\n", []string{"line 5", "registry.mirror.pull"}},
		{"unknown key of a host", "[tagwatch.host.'a.example']\nrate=5\n", []string{"line 2", "tagwatch.host.a.example.rate"}},
		{"wrong type", "[[registry]]\nlocation='a.example'\ninsecure='yes'\n", []string{"line 3", "insecure"}},
		{"first version", "[registries.search]\nregistries=['docker.io']\n", []string{"first version", "[[registry]]"}},
		{"neither prefix nor location", "[[registry]]\ninsecure=true\n", []string{"registry[0]", "prefix"}},
		{"scheme", "[[registry]]\nlocation='https://user:hunter2@a.example'\n", []string{"registry[0].prefix", "scheme", "insecure"}},
		{"tag", "[[registry]]\nlocation='a.example/app:1'\n", []string{"registry[0]", "tags"}},
		{"port", "[[registry]]\nlocation='a.example:99999'\n", []string{"65535"}},
		{"no address", "[[registry]]\nlocation='[1:2]:5000'\n", []string{"IPv6"}},
		{"wildcard with a path", "[[registry]]\nprefix='*.example.com/app'\n", []string{"registry[0].prefix", "path"}},
		{"twice", "[[registry]]\nlocation='a.example'\n[[registry]]\nprefix='a.example'\n", []string{"registry[1].prefix", "registry[0]"}},
		{"mirror without a location", "[[registry]]\nlocation='a.example'\n[[registry.mirror]]\ninsecure=true\n", []string{"registry[0].mirror[0].location"}},
		{"pull", "[[registry]]\nlocation='a.example'\n[[registry.mirror]]\nlocation='b.example'\npull-from-mirror='never'\n", []string{"registry[0].mirror[0].pull-from-mirror", "digest-only"}},
		{"pull twice", "[[registry]]\nlocation='a.example'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='b.example'\npull-from-mirror='all'\n", []string{"contradicts"}},
		{"rate", "[tagwatch.host.'a.example']\nrequests-per-second=0.0\n", []string{`tagwatch.host."a.example".requests-per-second`}},
		{"concurrency", "[tagwatch.host.'a.example']\nconcurrency=0\n", []string{"concurrency", "1000"}},
		{"host with a path", "[tagwatch.host.'a.example/app']\nconcurrency=1\n", []string{"has a path"}},
		{"proxy", "[tagwatch.host.'a.example']\nproxy='proxy:3128'\n", []string{"proxy", "http://"}},
		{"secret of a proxy", "[tagwatch.host.'a.example']\nproxy='http://me:hunter2@proxy:3128'\n", []string{"HTTPS_PROXY"}},
		{"half a pair", "[tagwatch.host.'a.example']\nclient-key='/k'\n", []string{"belong together"}},
		{"relative path", "[tagwatch.host.'a.example']\nca-file='ca.pem'\n", []string{"ca-file", "absolute"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.content)
			_, err := conf.Read(path, os.ReadFile)
			if !errors.Is(err, errkind.Invalid) {
				t.Fatalf("error = %v, want errkind.Invalid", err)
			}
			for _, part := range append(test.says, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret shows: %v", err)
			}
		})
	}
	if _, err := conf.Read("/nonexistent/registries.conf", os.ReadFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if _, err := conf.Read(write(t, strings.Repeat("#", 2<<20)), os.ReadFile); !errors.Is(err, errkind.Invalid) {
		t.Errorf("huge file: %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	file, err := conf.Read(write(t, `
[[registry]]
prefix = "registry.example.com"
location = "a.internal"
[[registry]]
prefix = "registry.example.com/team"
location = "b.internal/other/team"
[[registry]]
prefix = "*.example.com"
location = "c.internal/all"
[[registry]]
prefix = "*.example.org"
`), os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"registry.example.com/app":          "a.internal/app",
		"registry.example.com/team":         "b.internal/other/team",
		"registry.example.com/team/app":     "b.internal/other/team/app",
		"registry.example.com/teamwork/app": "a.internal/teamwork/app",
		"Registry.Example.com/app":          "a.internal/app",
		"registry.example.com:5000/app":     "c.internal/all/app",
		"registry.example.community/app":    "",
		"other.example.com/app":             "c.internal/all/app",
		"example.com/app":                   "",
		"any.example.org:5000/app":          "any.example.org:5000/app",
	} {
		got := ""
		if found := file.Find(name); found != nil {
			got = found.Rewrite(name, found.Location)
		}
		if got != want {
			t.Errorf("%s is found at %q, want %q", name, got, want)
		}
	}
}

func TestInsecure(t *testing.T) {
	t.Parallel()
	file, err := conf.Read(write(t, everything+"[[registry]]\nprefix='*.lab.example'\ninsecure=true\n"), os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"hub.internal:5000": true, "hub.internal": false, "docker.io": false, "mirror.internal": true,
		"registry.example.com": false, "one.lab.example:5000": true, "lab.example": false,
	} {
		if got := file.Insecure(host); got != want {
			t.Errorf("Insecure(%s) = %t, want %t", host, got, want)
		}
	}
}

func TestCertificatesOf(t *testing.T) {
	t.Parallel()
	near, far := t.TempDir(), t.TempDir()
	for _, path := range []string{
		filepath.Join(far, "a.example:5000", "ca.crt"), filepath.Join(far, "a.example:5000", "client.cert"), filepath.Join(far, "a.example:5000", "client.key"),
		filepath.Join(far, "b.example", "far.crt"), filepath.Join(near, "b.example", "near.crt"),
		filepath.Join(near, "c.example", "client.cert"), filepath.Join(near, "d.example", "client.key"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(elements ...string) string { return filepath.Join(append([]string{far}, elements...)...) }
	for _, test := range []struct {
		host string
		want conf.Certificates
		says string
	}{
		{host: "a.example:5000", want: conf.Certificates{Authorities: []string{at("a.example:5000", "ca.crt")},
			Pairs: []conf.Pair{{Certificate: at("a.example:5000", "client.cert"), Key: at("a.example:5000", "client.key")}}}},
		{host: "a.example"},
		{host: "b.example", want: conf.Certificates{Authorities: []string{filepath.Join(near, "b.example", "near.crt")}}},
		{host: "c.example", says: "no key beside it (client.key)"},
		{host: "d.example", says: "no client certificate beside it (client.cert"},
	} {
		got, err := conf.CertificatesOf(test.host, []string{near, "/nonexistent", far})
		if diff := cmp.Diff(test.want, got); test.says == "" && (diff != "" || err != nil) {
			t.Errorf("%s: %v (-want +got)\n%s", test.host, err, diff)
		}
		if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: error %v does not say %q", test.host, err, test.says)
		}
	}
}
