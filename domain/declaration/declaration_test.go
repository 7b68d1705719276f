package declaration_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

func TestPublishedSchema(t *testing.T) {
	t.Parallel()
	own, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("../../docs/schemas/declaration.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(own, published) {
		t.Error("docs/schemas/declaration.json differs from domain/declaration/schema.json; copy it")
	}
}

func read(text string) (declaration.Declared, error) {
	return declaration.Read([]declaration.File{{Name: "a.yaml", Content: []byte(text)}}, func(_ declaration.Place, name string) ([]byte, error) {
		return nil, errors.New("file " + name + " not found")
	}, []string{"stored"})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	laughs := ""
	for i := 1; i < 20; i++ {
		laughs += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d,", i-1), 9), ","))
	}
	for name, test := range map[string]struct{ document, want string }{
		"empty":               {"", "a.yaml:1: the file is empty; it begins with owner: NAME"},
		"no owner":            {"endpoints: []", "a.yaml:1: missing property 'owner'"},
		"an alias in itself":  {"owner: a\nsubscriptions: &all\n- tags: [nginx:1]\n- *all", "a.yaml:4: subscriptions[1][1]: an alias stands within what it is for"},
		"too many aliases":    {"owner: a\nx0: &x0 [a,a,a,a,a,a,a,a,a]\n" + laughs, "a.yaml:2: x6[0]"},
		"an owner with space": {"owner: web team", "a.yaml:1: owner: expected 1 to 63 letters, digits, '.', '_' and '-', beginning with a letter or digit"},
		"not YAML":            {"owner: [", "a.yaml:1: this is not YAML: did not find expected node content"},
		"two documents":       {"owner: a\n---\nowner: b", "a.yaml:1: the file holds more than one document; split it into files of one folder"},
		"a key twice":         {"owner: a\nowner: b", `a.yaml:2: "owner" is given twice; remove one`},
		"an unknown key":      {"owner: a\nsubscriptions:\n- tags: [nginx:1]\n  tipes: [tag_update]", `a.yaml:4: subscriptions[0]: unknown key "tipes"; the keys are in docs/schemas/declaration.json`},
		"a secret itself":     {"owner: a\nendpoints:\n- name: x\n  url: https://a.example.com\n  token: hunter2", "a.yaml:5: endpoints[0].token: expected a reference to the secret: env:NAME or file:/path"},
		"a duration":          {"owner: a\nsubscriptions:\n- tags: [nginx:1]\n  interval: often", "a.yaml:4: subscriptions[0].interval: expected a duration such as 30s or 5m"},
		"a short interval":    {"owner: a\nsubscriptions:\n- tags: [nginx:1]\n  interval: 1s", "a.yaml:4: subscriptions[0].interval: interval 1s is too short: the shortest is 30s"},
		"an unknown endpoint": {"owner: a\nsubscriptions:\n- tags: [nginx:1]\n  options: {endpoints: [stored, ops]}", `a.yaml:4: subscriptions[0].options.endpoints[1]: endpoint "ops" is neither declared nor stored; declare it under endpoints`},
		"a tag twice":         {"owner: a\nsubscriptions:\n- tags: [nginx:1]\n- tags:\n  - docker.io/library/nginx:1", "a.yaml:5: subscriptions[1].tags[0]: analysis_update of docker.io/library/nginx:1 is declared at a.yaml:3 already; remove one"},
		"an end":              {"owner: a\nacceptances:\n- {vulnerability: CVE-2026-1, until: 30d, reason: r}", `a.yaml:3: acceptances[0]: invalid value "30d": expected a time such as 2027-01-31 or 2027-01-31T12:00:00Z, or fixed`},
		"no file":             {"owner: a\npolicies:\n- file: x.json", "a.yaml:3: policies[0].file: file x.json not found"},
		"file and bundle":     {"owner: a\npolicies:\n- {file: x.json, bundle: {}}", "a.yaml:3: policies[0]: expected either file or bundle"},
		"a filter":            {"owner: a\nrepositories:\n- name: nginx\n  filter: {newest: 1, semver: '>>>'}", "a.yaml:4: repositories[0].filter: "},
		"no source path":      {"owner: a\nsources:\n- {name: s, kind: file, paths: [here]}", "a.yaml:3: sources[0]: path \"here\" is read by the worker and has to be absolute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			declared, err := read(test.document)
			if err == nil || !errors.Is(err, errkind.Invalid) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%+v, error\n%v, want\n%s", declared, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error has the secret")
			}
		})
	}
}

// TestPlanReachesTheDeclaration applies plans of random declarations to random things: what
// is listed is the owner's and as declared, what is not is pruned if it was the owner's, and
// nothing else changes.
func TestPlanReachesTheDeclaration(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	names, owners := []string{"a", "b", "c", "d", "e"}, []string{"", "web", "web", "ops"}
	conflicts := 0
	for range 2000 {
		stored := map[string]declaration.Thing{}
		var declared declaration.Declared
		declared.Owner = "web"
		for _, name := range names {
			if random.IntN(2) == 0 {
				stored[name] = thing(name, random.IntN(2), owners[random.IntN(len(owners))])
			}
			if random.IntN(2) == 0 {
				declared.Things = append(declared.Things, thing(name, random.IntN(2), ""))
			}
		}
		o := declaration.Options{Prune: random.IntN(2) == 0, Adopt: random.IntN(2) == 0, Now: time.Unix(0, 0)}
		var before []declaration.Thing
		for _, name := range names {
			if each, found := stored[name]; found {
				before = append(before, each)
			}
		}
		plan, err := declaration.NewPlan(declared, before, o)
		taken := slices.ContainsFunc(declared.Things, func(d declaration.Thing) bool { return stored[d.Name].Owner == "ops" })
		if taken != errors.Is(err, errkind.Conflict) {
			t.Fatalf("taken %t, error %v", taken, err)
		}
		if err != nil {
			conflicts++
			continue
		}
		want := map[string]string{}
		for name, each := range stored {
			if each.Owner != "web" || !o.Prune {
				want[name] = each.Endpoint.URL + " " + each.Owner
			}
		}
		for _, d := range declared.Things {
			if existing, found := stored[d.Name]; !found || existing.Owner == "web" || o.Adopt {
				want[d.Name] = d.Endpoint.URL + " web"
			}
		}
		got := map[string]string{}
		for name, each := range stored {
			got[name] = each.Endpoint.URL + " " + each.Owner
		}
		deleting := false
		for _, c := range plan.Changes {
			switch c.Action {
			case declaration.Delete:
				deleting = true
				delete(got, c.Name)
			case declaration.Create, declaration.Update, declaration.Adopt:
				got[c.Name] = c.Declared.Endpoint.URL + " web"
			}
			if deleting && c.Action != declaration.Delete {
				t.Fatalf("%s after a deletion", c.Action)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: (-want +got)\n%s", o, diff)
		}
	}
	if conflicts == 0 {
		t.Error("no conflict was tried")
	}
}

func thing(name string, setting int, owner string) declaration.Thing {
	return declaration.Thing{Key: declaration.Key{Kind: declaration.OfEndpoint, Name: name}, Owner: owner,
		Endpoint: &endpoint.Endpoint{Name: name, URL: []string{"https://a.example.com", "https://b.example.com"}[setting]}}
}
