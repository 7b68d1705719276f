package push_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

func sourcesFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "push.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadSources(t *testing.T) {
	t.Parallel()
	got, err := push.ReadSources(sourcesFile(t, `
sources:
  - name: shop
    kind: distribution
    secret: env:PUSH_SHOP
    registry: registry.example.com:5000
  - {name: google, kind: pubsub, audience: "https://x", email: push@p.iam.gserviceaccount.com}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []push.Source{{Name: "shop", Kind: push.Distribution, Secret: "env:PUSH_SHOP", Registry: "registry.example.com:5000"},
		{Name: "google", Kind: push.PubSub, Audience: "https://x", Email: "push@p.iam.gserviceaccount.com"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReadSourcesRefuses(t *testing.T) {
	t.Parallel()
	const shop = "sources:\n- {name: shop, kind: harbor, secret: env:X}\n"
	for name, test := range map[string]struct{ content, says string }{
		"nothing":               {"", "push example"},
		"no YAML":               {"\t", "invalid"},
		"a list":                {"- x", "invalid"},
		"an unknown field":      {"sources:\n- {name: shop, kind: harbor, secert: env:X}", "secert"},
		"no name":               {"sources:\n- {kind: harbor, secret: env:X}", "a name has"},
		"a name with a slash":   {"sources:\n- {name: a/b, kind: harbor, secret: env:X}", "a name has"},
		"twice":                 {shop + "- {name: shop, kind: quay, secret: env:X}", "another with the name"},
		"an unknown kind":       {"sources:\n- {name: shop, kind: gitlab, secret: env:X}", "expected one of distribution"},
		"no secret":             {"sources:\n- {name: shop, kind: harbor}", "no secret"},
		"the secret itself":     {"sources:\n- {name: shop, kind: harbor, secret: hunter2hunter2}", "by reference"},
		"a registry with path":  {"sources:\n- {name: shop, kind: harbor, secret: env:X, registry: a.example.com/b}", "not a host"},
		"a registry as address": {"sources:\n- {name: shop, kind: harbor, secret: env:X, registry: 'https://a.example.com'}", "not a host"},
		"no proof at all":       {"sources:\n- {name: g, kind: pubsub}", "the sender cannot be verified"},
		"audience alone":        {"sources:\n- {name: g, kind: pubsub, audience: x}", "must be set together"},
		"an issuer alone":       {"sources:\n- {name: g, kind: pubsub, audience: x, email: y, issuer: z}", "must be set together"},
		"audience elsewhere":    {"sources:\n- {name: shop, kind: harbor, secret: env:X, audience: x, email: y}", "for kind pubsub"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := push.ReadSources(sourcesFile(t, test.content))
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want a refusal that says %q", err, test.says)
			}
		})
	}
	if _, err := push.ReadSources(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestExamples: what is shown as an example is accepted.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, kind := range push.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			text, err := push.Example(kind, "my-shop", "https://tagwatch.example.com/")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text, "https://tagwatch.example.com/push/my-shop") || strings.Contains(text, "{") && strings.Contains(text, "{name}") {
				t.Errorf("no address in\n%s", text)
			}
			begin := strings.Index(text, "sources:")
			part, _, _ := strings.Cut(text[begin:], "\n\n")
			got, err := push.ReadSources(sourcesFile(t, part))
			if err != nil || len(got) != 1 || got[0].Kind != kind || got[0].Name != "my-shop" {
				t.Errorf("%v, %v of\n%s", got, err, part)
			}
		})
	}
	for kind, name := range map[push.Kind]string{"gitlab": "x", push.Quay: "Not A Name"} {
		if _, err := push.Example(kind, name, "https://x"); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s %q: %v", kind, name, err)
		}
	}
}
