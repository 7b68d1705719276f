package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReportWhitelists(t *testing.T) {
	t.Parallel()
	b := parse(t, parts{whitelists: whitelistOf("w",
		itemOf("in use", "vulnerabilities", "CVE-2023-0002+zlib1g", ""),
		itemOf("expired", "vulnerabilities", "CVE-2023-0002+*", "2020-01-01T00:00:00Z"),
		itemOf("expiring", "VULNERABILITIES", "regexp:CVE-2023-0002", "2026-06-07T00:00:00Z"),
		itemOf("of no use", "vulnerabilities", "CVE-1999-0001+*", "2099-01-01T00:00:00Z"),
		itemOf("fixed", "vulnerabilities", "*+openssl", ""),
		itemOf("another gate", "always", "CVE-2023-0002+zlib1g", ""),
	), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
		policies: policyOf("p", ruleOf("r", "vulnerabilities", "package", "STOP", "package_type", "all"))}.document())
	occurrences := Occurrences(evaluate(t, b, nginx(), noon))
	reports, err := ReportWhitelists(t.Context(), b, append(occurrences, occurrences...), noon, 7*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Item              string
		Expired, Expiring bool
		Matches, Fixed    int
		Attention         bool
	}
	var got []summary
	for i, r := range reports {
		if r.Position != i || r.WhitelistID != "w" {
			t.Errorf("report %d is about item %d of %s", i, r.Position, r.WhitelistID)
		}
		got = append(got, summary{r.Item.ID, r.Expired, r.Expiring, r.Matches, r.Fixed, r.Attention()})
	}
	want := []summary{
		{"in use", false, false, 1, 0, false},
		{"expired", true, false, 1, 0, true},
		{"expiring", false, true, 1, 0, true},
		{"of no use", false, false, 0, 0, true},
		{"fixed", false, false, 1, 1, true},
		{"another gate", false, false, 0, 0, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got)\n%s", diff)
	}
}
