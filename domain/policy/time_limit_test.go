package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// hostile are bundles and images that take minutes or hours together, each in
// another loop.
func hostile() map[string]struct {
	parts parts
	input *Input
} {
	type attack = struct {
		parts parts
		input *Input
	}
	findings := input()
	for i := range 5000 {
		findings.Matches = append(findings.Matches, vuln.Match{Finding: vuln.Finding{
			ID: fmt.Sprintf("CVE-2024-%d", i), Severity: vuln.High, Package: vuln.Package{Name: "x", Version: "1", Type: "deb"}}})
	}
	found := policyOf("p", ruleOf("r", "vulnerabilities", "package", "STOP", "package_type", "all"))
	used := mappingOf("*", "*", "tag", "*", `"p"`, `"w"`)
	items := func(pattern, expires string) string {
		return whitelistOf("w", repeat(20_000, func(i int) string { return itemOf(fmt.Sprint(i), "vulnerabilities", fmt.Sprintf(pattern, i), expires) })...)
	}
	files := sbom.Inventory{}
	for i := range 100_000 {
		files.Files = append(files.Files, sbom.File{Path: fmt.Sprintf("/f%06d", i), Mode: sbom.ModeRegular | 0o755})
		if i%2 == 0 {
			files.SecretHits = append(files.SecretHits, sbom.Hit{Path: "/f", Expression: "A=B"})
		}
	}
	text := strings.Repeat("word ", 200_000)
	manifest := sbom.Package{ID: "p", Name: "p", Version: "1", Type: "rpm", Licenses: []string{text}}
	for i := range 50_000 {
		manifest.Manifest = append(manifest.Manifest, sbom.ManifestEntry{Path: fmt.Sprintf("/f%06d", i), Mode: "755"})
	}
	list := func(format string, n int) string {
		return strings.Join(repeat(n, func(i int) string { return fmt.Sprintf(format, i) }), ",")
	}
	rules := func(n int, gate, trigger string, nameValues ...string) parts {
		return parts{policies: policyOf("p", repeat(n, func(int) string { return ruleOf("", gate, trigger, "GO", nameValues...) })...)}
	}
	expose := withDockerfile(strings.Repeat("EXPOSE 1-65535\n", 5000))
	return map[string]attack{
		"expressions and findings": {parts{policies: found, whitelists: items(`regexp:.*-%d\\+y`, ""), mappings: used}, findings},
		"wildcards and findings":   {parts{policies: found, whitelists: items("*-%d+y", ""), mappings: used}, findings},
		"expired items":            {parts{policies: found, whitelists: items("*-%d+x", "2020-01-01T00:00:00Z"), mappings: used}, findings},
		"whitelists and findings":  {parts{policies: found, whitelists: items("*", "2020-01-01T00:00:00Z"), mappings: mappingOf("*", "*", "tag", "*", `"p"`, strings.Repeat(`"w",`, 20_000)+`"w"`)}, findings},
		"policies again and again": {parts{mappings: mappingOf("*", "*", "tag", "*", strings.Repeat(`"p",`, 200_000)+`"p"`, ""), policies: rules(1000, "packages", "blacklist", "name", "curl").policies}, input()},
		"names of files":           {rules(2000, "files", "name_match", "regex", ".*a.*b.*c"), withImage(files)},
		"secrets":                  {rules(50, "secret_scans", "content_regex_checks", "content_regex_name", strings.Repeat("x", 100_000)), withImage(files)},
		"manifests and packages":   {rules(20, "packages", "verify", "only_directories", list("/x%d", 4000)), withPackages(manifest)},
		"licenses":                 {rules(1, "licenses", "blacklist_partial_match", "licenses", list("x%d", 100_000)), withPackages(manifest)},
		"ports denied":             {rules(1, "dockerfile", "exposed_ports", "type", "blacklist", "ports", list("%d", 200_000)), expose},
		"ports allowed":            {rules(10, "dockerfile", "exposed_ports", "type", "whitelist", "ports", list("%d", 65_535)), expose},
		"lines among values":       {rules(1, "dockerfile", "instruction", "instruction", "RUN", "check", "in", "value", list("x%d", 200_000)), withDockerfile(strings.Repeat("RUN a\n", 100_000))},
		"lines of retrieved files": {rules(1000, "retrieved_files", "content_regex", "path", "/x", "check", "match", "regex", ".*a.*b"), withRetrieved("/x", text)},
		"entries of passwd":        {rules(10_000, "passwd_file", "blacklist_usernames", "user_names", "x"), withRetrieved("/etc/passwd", strings.Repeat("a:b\n", 100_000))},
		"expressions of mappings":  {parts{mappings: strings.Join(repeat(300, func(i int) string { return mappingOf("regexp:(.{1,400}.)*"+fmt.Sprint(i), "*", "tag", "*", `"p"`, "") }), ",")}, inputAt(strings.Repeat("r", 200_000), "x", "y")},
	}
}

func repeat(n int, text func(int) string) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = text(i)
	}
	return texts
}

// TestEvaluationEndsInTime gives each a moment. Where a loop does not mind the
// time limit, the test does not end.
func TestEvaluationEndsInTime(t *testing.T) {
	t.Parallel()
	for name, input := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := evaluateWithin(newTimeLimit(t.Context(), 50*time.Millisecond), parse(t, input.parts.document()), input.input, noon)
			if err != nil {
				t.Fatal(err)
			}
			if got.FinalAction != Stop || got.Status != Fail {
				t.Errorf("final action %s, status %s", got.FinalAction, got.Status)
			}
			last := got.Problems[len(got.Problems)-1]
			if last.Type != problemTooMuchWork || last.Path == "" || !strings.Contains(last.Details, "not done after 50ms") {
				t.Errorf("last problem %v", last)
			}
			if len(got.Problems) > 1 {
				t.Errorf("%d problems, want the first one only: %v", len(got.Problems), got.Problems[0])
			}
		})
	}
}

// TestSpentEvaluationStopsInSpiteOfLists: what is not decided is no pass.
func TestSpentEvaluationStopsInSpiteOfLists(t *testing.T) {
	t.Parallel()
	document := parts{policies: policyOf("p", alwaysRule("GO")), whitelisted: imageOf("*", "*", "tag", "*")}.document()
	b := withTrigger(t, document, func(c *check) error {
		c.memo.timeLimit.time, c.memo.timeLimit.deadline = 0, time.Time{}
		c.spend(clockInterval)
		return nil
	})
	got := evaluate(t, b, input(), noon)
	if got.Outcome() != (Outcome{Fail, Stop, PolicyEvaluation}) || got.Problems[0].Path != "policies[0].rules[0]" {
		t.Errorf("outcome %v, problems %v", got.Outcome(), got.Problems)
	}
}

func TestCancelledEvaluationHasNoOutcome(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	passed := 0
	b := withTrigger(t, parts{}.document(), func(c *check) error {
		cancel()
		for range each(c.memo.timeLimit, slices.Repeat([]int{0}, clockInterval)) {
			passed++
		}
		return nil
	})
	got, err := Evaluate(ctx, b, input(), noon)
	if !errors.Is(err, context.Canceled) || got.Status != "" {
		t.Errorf("status %q, error %v", got.Status, err)
	}
	if passed == clockInterval {
		t.Error("the loop went on to its end")
	}
}

// TestReportEndsWithItsContext looks for all matches of 20,000 expressions.
func TestReportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	input := hostile()["expressions and findings"]
	b := parse(t, input.parts.document())
	var occurrences []Occurrence
	for _, m := range input.input.Matches {
		occurrences = append(occurrences, Occurrence{Gate: "vulnerabilities", TriggerID: m.ID + "+x"})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ReportWhitelists(ctx, b, occurrences, noon, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
