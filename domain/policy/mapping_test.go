package policy

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/image"
)

func TestMappingSelects(t *testing.T) {
	t.Parallel()
	byDigest := "docker.io/nginx@sha256:" + strings.Repeat("a", 64)
	tests := []struct {
		registry, repository, kind, value string
		reference                         string
		want                              bool
	}{
		{"*", "*", "tag", "*", "docker.io/nginx:latest", true},
		{"*", "*", "tag", "*", "*/*:*", true},
		{"*", "*", "tag", "latest", "*/*:*", false},
		{"gcr.io", "*", "tag", "*", "docker.io/nginx:latest", false},
		{"*", "mysql", "tag", "*", "docker.io/nginx:latest", false},
		{"docker.io", "mysql", "tag", "latest", "docker.io/mysql:alpine", false},
		{"*", "*", "tag", "*-dev", "docker.io/nginx:1.8-dev", true},
		{"docker.io", "nginx", "tag", "*", "docker.io/nginx:latest", true},
		{"docker.io", "library/nginx", "tag", "*", "docker.io/nginx:latest", false},
		{"docker.io", "library/nginx", "tag", "latest", "docker.io/library/nginx:latest", true},
		{"*", "*", "digest", "sha256:123abc", "docker.io/nginx:latest", true},
		{"gcr.io", "*", "digest", "sha256:123abc", "docker.io/nginx:latest", false},
		{"*", "*", "digest", "sha256:123abc", "*/*:*", true},
		{"*", "*", "digest", "*", "docker.io/nginx:latest", false},
		{"*", "*", "id", "0", "docker.io/nginx:latest", true},
		{"*", "mysql", "id", "0", "docker.io/nginx:latest", false},
		{"docker.io", "*", "tag", "*", "dockerhub/library/x:latest", true},
		{"docker.io", "dockerhub/x", "tag", "*", "docker.io/dockerhub/x:latest", true},
		{"docker.io", "x", "tag", "*", "docker.io/dockerhub/x:latest", false},
		{"regexp:docker", "regexp:.*ngin", "tag", "regexp:l|x", "docker.io/nginx:latest", true},
		{"*", "*", "tag", "regexp:atest", "docker.io/nginx:latest", false},
		{"*", "*", "tag", " regexp:latest", "docker.io/nginx:latest", false},
		{"*", "NGINX", "tag", "*", "docker.io/nginx:latest", false},
		{"docker.io", "nginx", "tag", "*", byDigest, true},
		{"docker.io", "nginx", "tag", "latest", byDigest, false},
		{"docker.io", "nginx", "tag", "sha256:*", byDigest, false},
		{"docker.io", "nginx", "digest", "sha256:123abc", byDigest, true},
		{"docker.io", "nginx", "id", "0", byDigest, true},
	}
	for _, tt := range tests {
		name := strings.Join([]string{tt.registry, tt.repository, tt.kind, tt.value, tt.reference}, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := parse(t, parts{mappings: mappingOf(tt.registry, tt.repository, tt.kind, tt.value, `"p"`, "")}.document())
			got := evaluate(t, b, inputOf(t, tt.reference), noon)
			if matched := got.MatchedMapping != nil; matched != tt.want {
				t.Errorf("the mapping selects the image: %v, want %v", matched, tt.want)
			}
		})
	}
}

// inputOf is an image under the reference; "*/*:*" stands for no reference.
func inputOf(t *testing.T, reference string) *Input {
	t.Helper()
	if reference == "*/*:*" {
		return inputAt("docker.io", "*/*", "*")
	}
	parsed, err := image.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return inputAt(parsed.Registry, parsed.Path, parsed.Tag)
}

func TestFirstMappingWins(t *testing.T) {
	t.Parallel()
	b := parse(t, parts{
		policies: policyOf("general", alwaysRule("WARN")) + "," + policyOf("special", alwaysRule("STOP")),
		mappings: mappingOf("*", "*", "digest", "sha256:other", `"special"`, "") + "," +
			mappingOf("*", "*", "tag", "*", `"general"`, "") + "," +
			mappingOf("docker.io", "nginx", "tag", "latest", `"special"`, ""),
	}.document())
	got := evaluate(t, b, input(), noon)
	if got.FinalAction != Warn {
		t.Errorf("final action %s, want that of the first mapping that matches", got.FinalAction)
	}
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab", true},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*ab*ab", "ab", false},
		{"*ab*ab", "abab", true},
		{"*a*b*", "xaxbx", true},
		{"*a*b*", "xbxax", false},
		{"a**b", "ab", true},
		{"a?c", "abc", false},
		{"a.c", "abc", false},
		{"a[b]", "ab", false},
		{"CVE-1+*", "CVE-1+openssl", true},
		{"*+linux-headers-*", "CVE-1+linux-headers-6.1", true},
		{"*+*-dev", "CVE-1+libc-dev", true},
		{"regexp:al", "always", true},
		{"regexp:ways", "always", false},
		{"regexp:a|w", "always", true},
		{`regexp:CVE-2017-.*\+lib(ssl|crypto)`, "CVE-2017-1+libcrypto1.1", true},
		{"regexp:", "anything", true},
	}
	for _, tt := range tests {
		t.Run(tt.pattern+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			m, err := newMatcher(tt.pattern, newExpression)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.match(tt.text, noTimeLimit()); got != tt.want || err != nil {
				t.Errorf("match = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}
