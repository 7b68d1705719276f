package image_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// The splitting is Anchore's, which policy bundles are written for.
func TestParseReference(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 128)
	tests := []struct{ name, text, registry, path, tag string }{
		{"name alone", "nginx", "docker.io", "nginx", "latest"},
		{"name and tag", "nginx:1.27", "docker.io", "nginx", "1.27"},
		{"library stays away", "docker.io/nginx:1", "docker.io", "nginx", "1"},
		{"library stays", "docker.io/library/nginx:1", "docker.io", "library/nginx", "1"},
		{"library without a registry", "library/nginx", "docker.io", "library/nginx", "latest"},
		{"a first part without a dot is no registry", "team/app:1", "docker.io", "team/app", "1"},
		{"a host with a dot", "ghcr.io/team/app:1", "ghcr.io", "team/app", "1"},
		{"a host with a port", "registry:5000/app:1", "registry:5000", "app", "1"},
		{"a port without a tag", "registry:5000/app", "registry:5000", "app", "latest"},
		{"localhost", "localhost/app:1", "localhost", "app", "1"},
		{"localhost with a domain", "localhost.localdomain/app:1", "localhost.localdomain", "app", "1"},
		{"localbuild", "localbuild/app:1", "localbuild", "app", "1"},
		{"localhost alone is a name", "localhost:1", "docker.io", "localhost", "1"},
		{"an address", "127.0.0.1:5000/app:1", "127.0.0.1:5000", "app", "1"},
		{"an address of version 6", "[::1]:5000/app:1", "[::1]:5000", "app", "1"},
		{"many parts", "r.example.com/a/b/c/d:x", "r.example.com", "a/b/c/d", "x"},
		{"separators", "r.example.com/a.b_c__d---e:x", "r.example.com", "a.b_c__d---e", "x"},
		{"a host in capitals", "GHCR.io/team/app:1", "ghcr.io", "team/app", "1"},
		{"a dotted part after the registry", "docker.io/foo.bar/baz", "docker.io", "foo.bar/baz", "latest"},
		{"the longest tag", "app:" + long, "docker.io", "app", long},
		{"a tag with everything", "app:_A.b-9", "docker.io", "app", "_A.b-9"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := image.ParseReference(test.text)
			want := image.Repository{Registry: test.registry, Path: test.path}.Reference(test.tag)
			if err != nil || got != want {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestParseReferenceWithADigest(t *testing.T) {
	t.Parallel()
	digest := image.Digest("sha256:" + strings.Repeat("a", 64))
	for text, want := range map[string]image.Repository{
		"nginx@": {Registry: "docker.io", Path: "nginx"}, "registry:5000/a/b@": {Registry: "registry:5000", Path: "a/b"},
	} {
		got, err := image.ParseReference(text + string(digest))
		if err != nil || got != want.Reference(string(digest)) || got.Digest != digest || got.Tag != "" || got.Identifier() != string(digest) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// One tag has many names, which all have the same names.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names []string
		other string // something else
	}{
		{[]string{"nginx", "docker.io/nginx", "docker.io/library/nginx", "library/nginx", "index.docker.io/nginx", "index.docker.io/library/nginx",
			"registry-1.docker.io/library/nginx", "registry.hub.docker.com/nginx", "Docker.IO/nginx", "docker.io:443/nginx"}, "team/nginx"},
		{[]string{"ghcr.io/team/app", "GHCR.io/team/app", "ghcr.io:443/team/app"}, "ghcr.io/app"},
		{[]string{"team/app", "docker.io/team/app", "index.docker.io/team/app"}, "library/app"},
		{[]string{"registry:5000/app", "REGISTRY:5000/app"}, "registry/app"},
		{[]string{"ghcr.io/app"}, "ghcr.io/library/app"},
		{[]string{"docker.io/library/a/b"}, "docker.io/a/b"},
	} {
		parse := func(name string) image.Target {
			got, err := image.ParseTarget(name + ":1@linux/arm64")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		first := parse(test.names[0])
		for _, name := range test.names {
			each := parse(name)
			if !slices.Contains(first.Names(), each) || !slices.Equal(first.Names(), each.Names()) {
				t.Errorf("%s has the names %v, and %s %v", first, first.Names(), each, each.Names())
			}
		}
		if slices.Contains(first.Names(), parse(test.other)) {
			t.Errorf("%s is also %s", first, test.other)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, says string }{
		{"nothing", "", "repository"},
		{"no name", ":1", "repository"},
		{"no tag after the colon", "nginx:", "tag"},
		{"a digest that is none", "nginx@sha256:" + strings.Repeat("a", 63), "digest"},
		{"another algorithm", "nginx@sha512:" + strings.Repeat("a", 128), "digest"},
		{"a digest alone", "@sha256:" + strings.Repeat("a", 64), "repository"},
		{"tag and digest", "nginx:1@sha256:" + strings.Repeat("a", 64), "digest"},
		{"upper case", "Nginx:1", "lower-case"},
		{"upper case in a part", "ghcr.io/Team/app", "lower-case"},
		{"white space", "nginx :1", "repository"},
		{"line break in the tag", "nginx:1\n", "tag"},
		{"line break in the name", "nginx\n/app:1", "repository"},
		{"parent folder", "r.example.com/../etc:1", "repository"},
		{"parent folder in the tag", "nginx:../etc", "registry"},
		{"empty part", "r.example.com/a//b", "repository"},
		{"ends with a slash", "r.example.com/a/", "repository"},
		{"begins with a slash", "/a:1", "repository"},
		{"begins with a separator", "r.example.com/-a:1", "repository"},
		{"three underscores", "a___b:1", "repository"},
		{"a scheme", "https://r.example.com/a:1", "leave https:// out"},
		{"credentials", "user:secret@r.example.com/a:1", "digest"},
		{"a registry alone", "r.example.com:5000/", "repository"},
		{"a port that is none", "r.example.com:port/a:1", "registry"},
		{"a port too long", "r.example.com:500000/a:1", "registry"},
		{"a host that begins with a dash", "-r.example.com/a:1", "registry"},
		{"a host of dots", "../a:1", "registry"},
		{"a query", "r.example.com/a?b=c:1", "repository"},
		{"a percent sign", "r.example.com/a%2fb:1", "repository"},
		{"another script", "r.example.com/äpp:1", "repository"},
		{"a zero byte", "r.example.com/a\x00b:1", "repository"},
		{"tag too long", "app:" + strings.Repeat("a", 129), "tag"},
		{"tag begins with a dot", "app:.a", "tag"},
		{"name too long", strings.Repeat("a", 256), "repository"},
		{"very long", strings.Repeat("a/", 100_000) + "a", "repository"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := image.ParseReference(test.text)
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, %v; want a refusal that says %q", got, err, test.says)
			}
			if got != (image.Reference{}) {
				t.Errorf("a refused text gives %v", got)
			}
		})
	}
}

func TestParseDigest(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0f", 32)
	got, err := image.ParseDigest("sha256:" + hex)
	if err != nil || got.Hex() != hex || got.Short() != hex[:12] {
		t.Errorf("%q, %v: %q, %q", got, err, got.Hex(), got.Short())
	}
	for _, text := range []string{"", hex, "sha256:", "sha256:" + hex[1:], "sha256:" + hex + "0", "sha256:" + strings.ToUpper(hex),
		"sha512:" + hex + hex, "sha256:" + hex + "\n", "sha256:../" + hex[3:]} {
		if got, err := image.ParseDigest(text); !errors.Is(err, errkind.Invalid) || got != "" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if short := image.Digest("").Short(); short != "" {
		t.Errorf("an unknown digest is shown as %q", short)
	}
}

func TestLeftPin(t *testing.T) {
	t.Parallel()
	at := image.Resolved{Manifest: "sha256:m", Index: "sha256:i"}
	for _, test := range []struct {
		at   image.Resolved
		pin  image.Digest
		want bool
	}{{at, "sha256:m", false}, {at, "sha256:i", false}, {at, "sha256:old", true}, {at, "", false}, {image.Resolved{}, "sha256:m", false}} {
		if got := test.at.LeftPin(test.pin); got != test.want {
			t.Errorf("%+v has left %q: %t, want %t", test.at, test.pin, got, test.want)
		}
	}
}

func TestResolvedTop(t *testing.T) {
	t.Parallel()
	const manifest, index = image.Digest("sha256:m"), image.Digest("sha256:i")
	for _, test := range []struct {
		resolved image.Resolved
		want     image.Digest
	}{{image.Resolved{Manifest: manifest}, manifest}, {image.Resolved{Manifest: manifest, Index: index}, index}, {image.Resolved{}, ""}} {
		if got := test.resolved.Top(); got != test.want {
			t.Errorf("top of %+v is %q, want %q", test.resolved, got, test.want)
		}
	}
}
