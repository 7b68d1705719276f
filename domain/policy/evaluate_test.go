package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	waived := whitelistOf("w", itemOf("i", "always", "always", ""))
	anywhere := imageOf("*", "*", "tag", "*")
	tests := []struct {
		name     string
		bundle   parts
		want     Outcome
		inner    Action
		problems int
	}{
		{"stop", parts{}, Outcome{Fail, Stop, PolicyEvaluation}, Stop, 0},
		{"stop, whitelisted", parts{whitelists: waived, mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`)}, Outcome{Pass, Go, PolicyEvaluation}, Go, 0},
		{"go and warn rules", parts{policies: policyOf("p", alwaysRule("GO"), strings.Replace(alwaysRule("WARN"), `"r"`, `"s"`, 1))}, Outcome{Pass, Warn, PolicyEvaluation}, Warn, 0},
		{"warn and go policies", parts{policies: policyOf("p", alwaysRule("WARN")) + "," + policyOf("q", alwaysRule("GO")), mappings: mappingOf("*", "*", "tag", "*", `"p", "q"`, "")}, Outcome{Pass, Warn, PolicyEvaluation}, Warn, 0},
		{"no mapping matches", parts{mappings: mappingOf("gcr.io", "*", "tag", "*", `"p"`, "")}, Outcome{Pass, Go, PolicyEvaluation}, Go, 1},
		{"no mapping matches, image blacklisted", parts{mappings: mappingOf("gcr.io", "*", "tag", "*", `"p"`, ""), blacklisted: anywhere}, Outcome{Fail, Stop, Blacklisted}, Go, 1},
		{"go, image blacklisted", parts{policies: policyOf("p", alwaysRule("GO")), blacklisted: anywhere}, Outcome{Fail, Stop, Blacklisted}, Go, 0},
		{"stop, image whitelisted", parts{whitelisted: anywhere}, Outcome{Pass, Go, Whitelisted}, Stop, 0},
		{"stop, image whitelisted by digest", parts{whitelisted: imageOf("*", "*", "digest", "sha256:123abc")}, Outcome{Pass, Go, Whitelisted}, Stop, 0},
		{"stop, another image whitelisted", parts{whitelisted: imageOf("*", "*", "id", "1")}, Outcome{Fail, Stop, PolicyEvaluation}, Stop, 0},
		{"stop, image on both lists", parts{whitelisted: anywhere, blacklisted: anywhere}, Outcome{Fail, Stop, Blacklisted}, Stop, 0},
		{"retired gate and warn", parts{policies: policyOf("p", ruleOf("old", "anchoresec", "vulnhigh", "STOP"), alwaysRule("WARN"))}, Outcome{Pass, Warn, PolicyEvaluation}, Warn, 1},
		{"no rules", parts{policies: policyOf("p")}, Outcome{Pass, Go, PolicyEvaluation}, Go, 0},
		{"action in another case", parts{policies: policyOf("p", alwaysRule("wArN"))}, Outcome{Pass, Warn, PolicyEvaluation}, Warn, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := evaluate(t, parse(t, tt.bundle.document()), input(), noon)
			if got.Outcome() != tt.want || got.PolicyAction != tt.inner || len(got.Problems) != tt.problems {
				t.Errorf("outcome %v, policies %s, problems %v; want %v, %s, %d", got.Outcome(), got.PolicyAction, got.Problems, tt.want, tt.inner, tt.problems)
			}
		})
	}
}

func TestRowsAreGroupedByGate(t *testing.T) {
	t.Parallel()
	notFound := func(id, name string) string { return ruleOf(id, "packages", "required_package", "WARN", "name", name) }
	always := func(id string) string { return strings.Replace(alwaysRule("GO"), `"r"`, `"`+id+`"`, 1) }
	b := parse(t, parts{
		policies: policyOf("p", notFound("a", "x"), always("b"), notFound("c", "y")) + "," + policyOf("q", always("d")),
		mappings: mappingOf("*", "*", "tag", "*", `"q", "p", "q"`, ""),
	}.document())
	var got []string
	for _, row := range evaluate(t, b, input(), noon).Rows {
		got = append(got, row.PolicyID+" "+row.RuleID)
	}
	if diff := cmp.Diff([]string{"q d", "p a", "p c", "p b", "q d"}, got); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}
}

func TestRowExplainsItself(t *testing.T) {
	t.Parallel()
	b := parse(t, parts{
		whitelists: whitelistOf("w", itemOf("i", "always", "al*", "2026-07-01T00:00:00Z")),
		mappings:   mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
	}.document())
	got := evaluate(t, b, input(), noon)
	want := []Row{{
		TriggerID: "always", Gate: "always", Trigger: "always", Message: "Unconditional trigger match", Action: Go, PolicyID: "p", RuleID: "r", RuleAction: Stop,
		Waiver: &Waiver{WhitelistID: "w", WhitelistName: "name of w", ItemID: "i", TriggerID: "al*", Expires: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)},
	}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}
	if got.MappingID != "m" || got.MappingName != "mapping" {
		t.Errorf("mapping %q, %q", got.MappingID, got.MappingName)
	}
}

// TestNext looks for the moment at which time alone changes the outcome.
func TestNext(t *testing.T) {
	t.Parallel()
	early, late := noon.Add(time.Hour), noon.Add(2*time.Hour)
	text := func(moment time.Time) string { return moment.Format(time.RFC3339) }
	tests := []struct {
		name  string
		items []string
		want  time.Time
	}{
		{"nothing expires", []string{itemOf("i", "always", "always", "")}, time.Time{}},
		{"the item in use expires", []string{itemOf("i", "always", "always", text(late))}, late},
		{"items that match nothing", []string{itemOf("i", "always", "never", text(early)), itemOf("j", "always", "always", text(late))}, late},
		{"the first item counts", []string{itemOf("i", "always", "always", text(early)), itemOf("j", "always", "always", "")}, early},
		{"an expired item", []string{itemOf("i", "always", "always", text(noon))}, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := parse(t, parts{whitelists: whitelistOf("w", tt.items...), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`)}.document())
			if got := evaluate(t, b, input(), noon).Next; !got.Equal(tt.want) {
				t.Errorf("next %s, want %s", got, tt.want)
			}
		})
	}
}

// withTrigger is a bundle whose first rule runs the given check instead.
func withTrigger(t *testing.T, document string, check func(*check) error) *Bundle {
	t.Helper()
	b := parse(t, document)
	b.Policies[0].Rules[0].trigger = &Trigger{Name: "always", check: check}
	return b
}

func TestFailingRuleKeepsTheOthers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		check   func(*check) error
		details string
	}{
		{"error", func(c *check) error { c.fire("before"); return errors.New("no such luck") }, "no such luck"},
		{"panic", func(c *check) error { c.fire("before"); panic("out of range") }, "internal error: out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rules := policyOf("p", alwaysRule("GO"), strings.Replace(alwaysRule("WARN"), `"r"`, `"s"`, 1))
			b := withTrigger(t, parts{policies: rules, whitelisted: imageOf("*", "*", "tag", "*")}.document(), tt.check)
			got := evaluate(t, b, input(), noon)
			if len(got.Rows) != 2 || got.Outcome() != (Outcome{Fail, Stop, PolicyEvaluation}) {
				t.Errorf("%d rows, outcome %v", len(got.Rows), got.Outcome())
			}
			if len(got.Problems) != 1 || got.Problems[0].Path != "policies[0].rules[0]" || !strings.Contains(got.Problems[0].Details, tt.details) {
				t.Errorf("problems %v", got.Problems)
			}
		})
	}
}

func TestRowsAreBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		message string
		most    int
	}{
		{"many rows", "x", maxRows},
		{"long rows", strings.Repeat("x", 1<<20), 31},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := withTrigger(t, parts{policies: policyOf("p", alwaysRule("GO"))}.document(), func(c *check) error {
				for range 2 * tt.most {
					c.fireAs("id", tt.message)
				}
				return nil
			})
			got := evaluate(t, b, input(), noon)
			if len(got.Rows) != tt.most || got.FinalAction != Stop || got.Problems[0].Type != problemTooManyRows {
				t.Errorf("%d rows, final action %s", len(got.Rows), got.FinalAction)
			}
		})
	}
}

func TestImageThatIsNotReady(t *testing.T) {
	t.Parallel()
	document := withRule(ruleOf("r", "vulnerabilities", "package", "WARN", "package_type", "all"))
	unmatched, unanalyzed := input(), input()
	unmatched.Matched = false
	unanalyzed.Inventory = nil
	tests := []struct {
		name  string
		input *Input
	}{
		{"not matched", unmatched},
		{"not analyzed", unanalyzed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := evaluate(t, parse(t, document), tt.input, noon)
			if got.Status != Fail || Valid(got.Problems) {
				t.Errorf("status %s, problems %v", got.Status, got.Problems)
			}
		})
	}
}

// TestFaultyMappingEndsTheSearch: it may have been the one for the image.
func TestFaultyMappingEndsTheSearch(t *testing.T) {
	t.Parallel()
	good, bad := mappingOf("docker.io", "*", "tag", "*", `"p"`, ""), mappingOf("regexp:(", "*", "tag", "*", `"p"`, "")
	tests := []struct {
		name     string
		mappings string
		rows     int
		want     Action
	}{
		{"before", bad + "," + good, 0, Stop},
		{"after", good + "," + bad, 1, Warn},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, _ := Parse([]byte(parts{policies: policyOf("p", alwaysRule("WARN")), mappings: tt.mappings}.document()))
			if got := evaluate(t, b, input(), noon); len(got.Rows) != tt.rows || got.FinalAction != tt.want {
				t.Errorf("%d rows, final action %s; want %d, %s", len(got.Rows), got.FinalAction, tt.rows, tt.want)
			}
		})
	}
}
