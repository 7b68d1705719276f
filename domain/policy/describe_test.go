package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDescribe compares the catalogue with the numbers and keys of Anchore's.
func TestDescribe(t *testing.T) {
	t.Parallel()
	var active, retired, triggers int
	for _, g := range Describe() {
		if g.State == stateRetired {
			retired++
			continue
		}
		active++
		triggers += len(g.Triggers)
	}
	if active != 14 || triggers != 43 || retired != 14 {
		t.Errorf("%d gates with %d triggers and %d retired gates, want 14, 43 and 14", active, triggers, retired)
	}
}

func TestDescribeKeys(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(Describe())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"name":"always","description":"`, `"state":"active","superceded_by":null,"triggers":[{"name":"always"`, `"parameters":[]`,
		`"state":"eol","superceded_by":"vulnerabilities"`, `"validator":{"enum":["all","os","non-os"],"type":"string"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the description", want)
		}
	}
}

// TestAdditionsAreMarked lists what Anchore Engine does not have.
func TestAdditionsAreMarked(t *testing.T) {
	t.Parallel()
	var got []string
	for _, g := range Describe() {
		for _, trigger := range g.Triggers {
			if trigger.Addition {
				got = append(got, g.Name+"."+trigger.Name)
			}
			for _, p := range trigger.Parameters {
				if p.Addition {
					got = append(got, g.Name+"."+trigger.Name+"."+p.Name)
				}
			}
		}
	}
	want := []string{
		"distro.end_of_life", "distro.end_of_life.days_before", "packages.unreadable_file", "packages.analysis_failed", "vulnerabilities.package.known_exploited",
		"vulnerabilities.package.epss_score_comparison", "vulnerabilities.package.epss_score",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("additions (-want +got)\n%s", diff)
	}
}

// TestExamplesAreValid reads the catalogue as its users do.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, g := range gates {
		for _, trigger := range g.Triggers {
			for _, p := range trigger.Parameters {
				if p.Description == "" || p.Example == "" {
					t.Errorf("%s.%s: parameter %s has no description or example", g.Name, trigger.Name, p.Name)
				}
				if err := p.Type.check(p.Example, p.Values); err != nil {
					t.Errorf("%s.%s: example of %s: %v", g.Name, trigger.Name, p.Name, err)
				}
			}
		}
	}
}
