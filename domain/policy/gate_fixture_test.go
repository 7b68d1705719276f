package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// gateTest is a rule, an image, and what the rule says about it. The bundle is
// parsed and evaluated as any other.
type gateTest struct {
	name   string
	params []string // name, value, name, value
	input  *Input
	want   []string // messages
}

// testTrigger runs the tests of a trigger whose ids derive from the messages.
func testTrigger(t *testing.T, gate, trigger string, tests []gateTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows := rowsOf(t, test.input, gate, trigger, test.params...)
			if diff := cmp.Diff(test.want, messagesOf(rows)); diff != "" {
				t.Errorf("messages (-want +got)\n%s", diff)
			}
			for _, row := range rows {
				if want := triggerID(gate, trigger, row.Message); row.TriggerID != want {
					t.Errorf("trigger id %s of %q, want %s", row.TriggerID, row.Message, want)
				}
			}
		})
	}
}

// rowsOf evaluates one rule, which must not meet a problem.
func rowsOf(t testing.TB, s *Input, gate, trigger string, params ...string) []Row {
	t.Helper()
	evaluation := evaluateRule(t, s, gate, trigger, params...)
	if len(evaluation.Problems) > 0 {
		t.Fatalf("problems: %v", evaluation.Problems)
	}
	return evaluation.Rows
}

func evaluateRule(t testing.TB, s *Input, gate, trigger string, params ...string) Evaluation {
	t.Helper()
	policy := policyOf("p", ruleOf("r1", gate, trigger, "STOP", params...))
	bundle := parse(t, parts{policies: policy}.document())
	evaluation := evaluate(t, bundle, s, noon)
	sameAsEnterprise(t, bundle, s, evaluation)
	return evaluation
}

// sameAsEnterprise writes the bundle in the form of Anchore Enterprise, which must
// come to the same, and back.
func sameAsEnterprise(t testing.TB, bundle *Bundle, s *Input, want Evaluation) {
	t.Helper()
	document, err := Convert(bundle, VersionEnterprise)
	if err != nil {
		t.Fatal(err)
	}
	other := parse(t, string(document))
	got := evaluate(t, other, s, noon)
	if diff := cmp.Diff(want.Rows, got.Rows); diff != "" || got.Outcome() != want.Outcome() || !got.Next.Equal(want.Next) || len(got.Problems) != len(want.Problems) {
		t.Errorf("as version 2: %v with problems %v, want %v; rows (-1_0 +2)\n%s", got.Outcome(), got.Problems, want.Outcome(), diff)
	}
	back, err := Convert(other, VersionEngine)
	if err != nil {
		t.Fatal(err)
	}
	if parse(t, string(back)).Hash() != bundle.Hash() {
		t.Errorf("version 2 and back:\n%s", back)
	}
}

// problemsOf uploads a rule that is refused and returns why.
func problemsOf(t *testing.T, gate, trigger string, params ...string) []Problem {
	t.Helper()
	policy := policyOf("p", ruleOf("r1", gate, trigger, "STOP", params...))
	_, problems := Parse([]byte(parts{policies: policy}.document()))
	return errorsOf(problems)
}

func messagesOf(rows []Row) []string {
	var messages []string
	for _, row := range rows {
		messages = append(messages, row.Message)
	}
	return messages
}

func idsOf(rows []Row) []string {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.TriggerID)
	}
	return ids
}

// withImage is an image that was matched and has no vulnerabilities.
func withImage(inventory sbom.Inventory) *Input {
	s := input()
	s.Inventory = &inventory
	return s
}

func withFiles(files ...sbom.File) *Input { return withImage(sbom.Inventory{Files: files}) }

func withPackages(packages ...sbom.Package) *Input {
	return withImage(sbom.Inventory{Packages: packages})
}

func withDockerfile(text string) *Input {
	return withImage(sbom.Inventory{Dockerfile: sbom.Dockerfile{Text: text, Actual: true}})
}

func withHistory(text string) *Input {
	return withImage(sbom.Inventory{Dockerfile: sbom.Dockerfile{Text: text}})
}

func withRetrieved(path, content string) *Input {
	return withImage(sbom.Inventory{Retrieved: map[string][]byte{path: []byte(content)}})
}

func withMatches(matches ...vuln.Match) *Input {
	s := input()
	s.Matches = matches
	return s
}

// join is a list of parameters in pieces.
func join(params ...[]string) []string { return slices.Concat(params...) }
