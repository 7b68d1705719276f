package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// edited is a bundle with a comment, a whitelist item and two mappings.
func edited() string {
	return strings.Replace(parts{
		policies:   policyOf("p", alwaysRule("STOP")),
		whitelists: whitelistOf("w", itemOf("i", "always", "al*", "")),
		mappings:   mappingNamed("first") + "," + mappingNamed("second"),
	}.document(), `{"id": "b"`, `{"comment": "kept", "id": "b"`, 1)
}

func mappingNamed(id string) string {
	return strings.Replace(mappingOf("*", "*", "tag", "*", `"p"`, `"w"`), `"id": "m"`, `"id": "`+id+`"`, 1)
}

// shape is what edits are about.
func shape(b *Bundle) string {
	var all []string
	for _, p := range b.Policies {
		for _, r := range p.Rules {
			all = append(all, p.ID+"/"+r.ID+" "+string(r.Action))
		}
	}
	for _, w := range b.Whitelists {
		for _, i := range w.Items {
			all = append(all, w.ID+"/"+i.ID)
		}
	}
	for _, m := range b.Mappings {
		all = append(all, m.ID)
	}
	return strings.Join(all, ", ")
}

var (
	newRule    = NewRule{ID: "new", Gate: "packages", Trigger: "blacklist", Action: "warn", Params: []NewParam{{"name", "telnet"}}}
	newItem    = NewItem{ID: "new", Gate: "vulnerabilities", TriggerID: "CVE-1+*", Expires: "2030-01-01T00:00:00Z", Comment: "why"}
	newMapping = NewMapping{ID: "new", Name: "new", Registry: "*", Repository: "web/*", Tag: "*", Policies: []string{"p"}, Whitelists: []string{"w"}}
)

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		edit func(*Bundle) ([]byte, error)
		want string
		kind error
	}{
		{"add a rule", func(b *Bundle) ([]byte, error) { return b.AddRule("", newRule) }, "p/r stop, p/new warn, w/i, first, second", nil},
		{"add a rule to a policy", func(b *Bundle) ([]byte, error) { return b.AddRule("p", newRule) }, "p/r stop, p/new warn, w/i, first, second", nil},
		{"add a rule to no policy", func(b *Bundle) ([]byte, error) { return b.AddRule("q", newRule) }, "", errkind.NotFound},
		{"add a rule of a taken id", func(b *Bundle) ([]byte, error) { return b.AddRule("p", NewRule{ID: "r"}) }, "", errkind.Invalid},
		{"remove a rule", func(b *Bundle) ([]byte, error) { return b.RemoveRule("", "r") }, "w/i, first, second", nil},
		{"remove no rule", func(b *Bundle) ([]byte, error) { return b.RemoveRule("", "s") }, "", errkind.NotFound},
		{"add an item", func(b *Bundle) ([]byte, error) { return b.AddItem("", newItem) }, "p/r stop, w/i, w/new, first, second", nil},
		{"remove an item", func(b *Bundle) ([]byte, error) { return b.RemoveItem("w", "i") }, "p/r stop, first, second", nil},
		{"remove an item by its trigger id", func(b *Bundle) ([]byte, error) { return b.RemoveItem("w", "al*") }, "p/r stop, first, second", nil},
		{"add a mapping", func(b *Bundle) ([]byte, error) { return b.AddMapping(newMapping, 1) }, "p/r stop, w/i, new, first, second", nil},
		{"add a mapping at the end", func(b *Bundle) ([]byte, error) { return b.AddMapping(newMapping, 3) }, "p/r stop, w/i, first, second, new", nil},
		{"add a mapping beyond the end", func(b *Bundle) ([]byte, error) { return b.AddMapping(newMapping, 4) }, "", errkind.Invalid},
		{"move a mapping", func(b *Bundle) ([]byte, error) { return b.MoveMapping("second", 1) }, "p/r stop, w/i, second, first", nil},
		{"move a mapping down", func(b *Bundle) ([]byte, error) { return b.MoveMapping("first", 2) }, "p/r stop, w/i, second, first", nil},
		{"move no mapping", func(b *Bundle) ([]byte, error) { return b.MoveMapping("third", 1) }, "", errkind.NotFound},
		{"remove a mapping", func(b *Bundle) ([]byte, error) { return b.RemoveMapping("first") }, "p/r stop, w/i, second", nil},
	} {
		for version, document := range map[string]string{VersionEngine: edited(), VersionEnterprise: converted(t, edited())} {
			out, err := test.edit(parse(t, document))
			if !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
				t.Errorf("%s, version %s: %v, want %v", test.name, version, err, test.kind)
			}
			if err != nil {
				continue
			}
			b := parse(t, string(out))
			if diff := cmp.Diff(test.want, shape(b)); diff != "" || b.Version != version || !strings.Contains(string(out), `"comment": "kept"`) {
				t.Errorf("%s, version %s (-want +got)\n%s\n%s", test.name, version, diff, out)
			}
		}
	}
}

// TestEditNamesThePart: of several parts one must be named.
func TestEditNamesThePart(t *testing.T) {
	t.Parallel()
	b := parse(t, parts{policies: policyOf("p") + "," + policyOf("q")}.document())
	if _, err := b.AddRule("", newRule); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "the bundle has 2 policies; name one with --in: p, q") {
		t.Errorf("added to one of two: %v", err)
	}
	if _, err := b.AddItem("", newItem); !errors.Is(err, errkind.Invalid) {
		t.Errorf("added to no whitelist: %v", err)
	}
}
