package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// enterpriseBundle has the keys of Anchore Enterprise's policies, with what
// only Anchore Enterprise can judge.
const enterpriseBundle = `{
	"id": "e", "name": "Secure", "description": "", "version": "2", "last_updated": 1700000000,
	"rule_sets": [
		{"id": "rs", "name": "rules", "description": "", "version": "2", "artifact_type": "image", "rules": [
			{"id": "1", "gate": "vulnerabilities", "trigger": "denylist", "action": "STOP", "recommendation": "Update.",
				"params": [{"name": "vulnerability_ids", "value": "CVE-1"}]},
			{"id": "2", "gate": "dockerfile", "trigger": "exposed_ports", "action": "STOP", "recommendation": "",
				"params": [{"name": "ports", "value": "22"}, {"name": "type", "value": "denylist"}]},
			{"id": "3", "gate": "tag_drift", "trigger": "packages_added", "action": "WARN", "params": []},
			{"id": "4", "gate": "vulnerabilities", "trigger": "kev_list", "action": "STOP", "params": []},
			{"id": "5", "gate": "vulnerabilities", "trigger": "package", "action": "STOP",
				"params": [{"name": "package_type", "value": "all"}, {"name": "epss_percentile", "value": "90"}]}]},
		{"id": "source", "name": "rules of repositories", "version": "2", "artifact_type": "source", "rules": []}],
	"allowlists": [{"id": "al", "name": "accepted", "description": "", "version": "2", "items": [
		{"id": "i", "gate": "vulnerabilities", "trigger_id": "CVE-2+*", "expires_on": "2030-01-01T00:00:00Z", "description": "why"}]}],
	"mappings": [{"id": "m", "name": "all", "description": "", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"},
		"rule_set_ids": ["rs"], "allowlist_ids": ["al"]}],
	"source_mappings": [{"id": "s", "name": "all", "host": "*", "repository": "*", "rule_set_ids": ["source"], "allowlist_ids": []}],
	"allowlisted_images": [{"id": "a", "name": "trusted", "registry": "docker.io", "repository": "trusted", "image": {"type": "tag", "value": "*"}}],
	"denylisted_images": [{"id": "d", "name": "banned", "registry": "docker.io", "repository": "banned", "image": {"type": "tag", "value": "*"}}]}`

func TestEnterpriseBundle(t *testing.T) {
	t.Parallel()
	b, problems := Parse([]byte(enterpriseBundle))
	want := []string{
		"warn: rule_sets[0].rules[2]: only Anchore Enterprise has tag_drift.packages_added: the rule does nothing",
		"warn: rule_sets[0].rules[3]: only Anchore Enterprise has vulnerabilities.kev_list: the rule does nothing",
		`warn: rule_sets[0].rules[4]: only Anchore Enterprise has the parameter "epss_percentile" of vulnerabilities.package: the rule does nothing`,
	}
	if diff := cmp.Diff(want, linesOf(problems)); diff != "" {
		t.Errorf("problems (-want +got)\n%s", diff)
	}
	for repository, want := range map[string]Outcome{
		"nginx": {Fail, Stop, PolicyEvaluation}, "trusted": {Pass, Go, Whitelisted}, "banned": {Fail, Stop, Blacklisted},
	} {
		s := inputAt("docker.io", repository, "latest")
		s.Matches = withMatches(openssl()).Matches
		got := evaluate(t, b, s, noon)
		if got.Outcome() != want || len(got.Rows) != 1 || len(got.Problems) != 3 || got.MappingName != "all" {
			t.Errorf("%s: %v, want %v; rows %v, problems %v", repository, got.Outcome(), want, got.Rows, got.Problems)
		}
		sameAsEngine(t, b, s, got)
	}
}

func sameAsEngine(t *testing.T, b *Bundle, s *Input, want Evaluation) {
	t.Helper()
	document, err := Convert(b, VersionEngine)
	if err != nil {
		t.Fatal(err)
	}
	got := evaluate(t, parse(t, string(document)), s, noon)
	if diff := cmp.Diff(want.Rows, got.Rows); diff != "" || got.Outcome() != want.Outcome() {
		t.Errorf("as version 1_0: %v, want %v; rows (-want +got)\n%s", got.Outcome(), want.Outcome(), diff)
	}
	if text := string(document); strings.Contains(text, "denylist") || strings.Contains(text, "rule_set_ids") && !strings.Contains(text, "source_mappings") {
		t.Errorf("words of version 2 in\n%s", text)
	}
}

func TestConvertOldMapping(t *testing.T) {
	t.Parallel()
	old := strings.Replace(parts{}.document(), `"policy_ids": ["p"]`, `"policy_id": "p"`, 1)
	if got := converted(t, old); !strings.Contains(got, `"rule_set_ids": [`) || strings.Contains(got, "policy_id") {
		t.Errorf("the mapping's one policy is not a list:\n%s", got)
	}
	if _, err := Convert(parse(t, old), "3"); err == nil {
		t.Error("converted to a version that nobody knows")
	}
}

// converted is a bundle in the form of version 2.
func converted(t *testing.T, document string) string {
	t.Helper()
	out, err := Convert(parse(t, document), VersionEnterprise)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func linesOf(problems []Problem) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}
