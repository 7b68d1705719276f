package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestNamesInUse: a bundle may name a vulnerability by a name that the data use only
// as an alias; the place and the name in use are said.
func TestNamesInUse(t *testing.T) {
	t.Parallel()
	bundle := parse(t, parts{
		whitelists: whitelistOf("w", itemOf("own", "vulnerabilities", "GHSA-7+p-1", ""), itemOf("alias", "vulnerabilities", "CVE-7+p-1", "")),
		mappings:   mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
		policies: policyOf("p", ruleOf("all", "vulnerabilities", "package", "STOP", "package_type", "all"),
			ruleOf("black", "vulnerabilities", "blacklist", "STOP", "vulnerability_ids", "GHSA-7, cve-7,CVE-404")),
	}.document())
	input := named()
	reports, err := ReportWhitelists(t.Context(), bundle, Occurrences(evaluate(t, bundle, input, noon)), noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []NameInUse{{"whitelists[0].items[1]", "CVE-7+p-1", []string{"GHSA-7+p-1"}}, {"policies[0].rules[1]", "cve-7", []string{"GHSA-7", "PYSEC-7"}}}
	if diff := cmp.Diff(want, append(WhitelistNames(bundle, reports), BlacklistNames(bundle, input.Matches)...)); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
}
