package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestStaleFeedData(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	stale := []string{"The vulnerability feed for this image distro is older than MAXAGE (2) days"}
	tests := []struct {
		name  string
		built time.Time
		want  []string
		next  time.Time
	}{
		{"fresh", noon.Add(-day), nil, noon.Add(day)},
		{"about to be stale", noon.Add(-2*day + time.Second), nil, noon.Add(time.Second)},
		{"stale at this moment", noon.Add(-2 * day), stale, time.Time{}},
		{"stale", noon.Add(-3 * day), stale, time.Time{}},
		{"no data", time.Time{}, stale, time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := input()
			s.Feed.Built = test.built
			evaluation := evaluateRule(t, s, "vulnerabilities", "stale_feed_data", "max_days_since_sync", "2")
			if diff := cmp.Diff(test.want, messagesOf(evaluation.Rows)); diff != "" {
				t.Errorf("messages (-want +got)\n%s", diff)
			}
			if !evaluation.Next.Equal(test.next) {
				t.Errorf("changes at %s, want %s", evaluation.Next, test.next)
			}
		})
	}
}

func TestStaleFeedDataAfterVeryManyDays(t *testing.T) {
	t.Parallel()
	s := input()
	s.Feed.Built = noon
	if rows := rowsOf(t, s, "vulnerabilities", "stale_feed_data", "max_days_since_sync", "9223372036854775807"); len(rows) != 0 {
		t.Errorf("rows %v, want none", rows)
	}
}

func TestVulnerabilityDataUnavailable(t *testing.T) {
	t.Parallel()
	debian := withImage(sbom.Inventory{Distro: sbom.Distro{ID: "debian", VersionID: "10"}})
	covered := withImage(sbom.Inventory{Distro: sbom.Distro{ID: "debian", VersionID: "12"}})
	covered.Feed.Coverage = vuln.Coverage{State: vuln.Covered}
	dropped := withImage(sbom.Inventory{Distro: sbom.Distro{ID: "debian", VersionID: "10"}})
	dropped.Feed = Feed{Built: noon, Coverage: vuln.Coverage{State: vuln.NotCovered}}
	unnamed, static := withImage(sbom.Inventory{}), withImage(sbom.Inventory{})
	unnamed.Feed = Feed{Built: noon, Coverage: vuln.Coverage{State: vuln.NotCovered}}
	static.Feed = Feed{Built: noon, Coverage: vuln.Coverage{State: vuln.NotApplicable}}
	testTrigger(t, "vulnerabilities", "vulnerability_data_unavailable", []gateTest{
		{"no records", nil, dropped, []string{"Distro-specific feed data not found for distro namespace: debian:10. Cannot perform CVE scan OS/distro packages"}},
		{"packages of no named distribution", nil, unnamed, []string{"Distro-specific feed data not found for distro namespace: Unknown:0. Cannot perform CVE scan OS/distro packages"}},
		{"no packages of a distribution", nil, static, nil},
		{"no data", nil, debian, []string{"Distro-specific feed data not found for distro namespace: debian:10. Cannot perform CVE scan OS/distro packages"}},
		{"no data and no distribution", nil, input(), []string{"Distro-specific feed data not found for distro namespace: Unknown:0. Cannot perform CVE scan OS/distro packages"}},
		{"records", nil, covered, nil},
	})
}

func TestBlacklistedVulnerabilities(t *testing.T) {
	t.Parallel()
	image := withMatches(
		vuln.Match{Finding: vuln.Finding{ID: "GHSA-2", Package: vuln.Package{Name: "a", Type: "npm"}}},
		vuln.Match{Finding: vuln.Finding{ID: "CVE-1", Package: vuln.Package{Name: "b", Type: "deb"}}},
		vuln.Match{Finding: vuln.Finding{ID: "CVE-3", Package: vuln.Package{Name: "b", Type: "deb"}, Fix: vuln.Fix{State: vuln.FixWont}}},
	)
	wontFix := record("GHSA-10", githubNamespace, "python", "CVE-10")
	wontFix.Fix.State = vuln.FixWont
	named := withMatches(
		record("GHSA-7", githubNamespace, "go-module", "CVE-7"), record("GO-7", "govulndb:language:go", "go-module", "CVE-7", "GHSA-7"),
		record("ELSA-8", oracleNamespace, "rpm", "CVE-8", "CVE-9"), wontFix,
	)
	rule := func(ids string, more ...string) []string { return join([]string{"vulnerability_ids", ids}, more) }
	testTrigger(t, "vulnerabilities", "blacklist", []gateTest{
		{"once, in the order of the rule", rule("CVE-1,CVE-9,GHSA-2"), image, []string{"Blacklisted vulnerabilities detected: ['CVE-1', 'GHSA-2']"}},
		{"none", rule("CVE-9,GHSA-1"), image, nil},
		{"in any case", rule("cve-1,ghsa-2"), image, []string{"Blacklisted vulnerabilities detected: ['cve-1', 'ghsa-2']"}},
		{"the CVE of a GHSA", rule("cve-7"), named, []string{"Blacklisted vulnerabilities detected: ['cve-7']"}},
		{"the record that another one outranks", rule("GO-7"), named, []string{"Blacklisted vulnerabilities detected: ['GO-7']"}},
		{"a CVE that an advisory covers", rule("CVE-9"), named, []string{"Blacklisted vulnerabilities detected: ['CVE-9']"}},
		{"a CVE of a GHSA that is not to be fixed", rule("CVE-10"), named, nil},
		{"not to be fixed", rule("CVE-3"), image, nil},
		{"not to be fixed, wanted", rule("CVE-3", "vendor_only", "false"), image, []string{"Blacklisted vulnerabilities detected: ['CVE-3']"}},
	})
}

func TestRulesOnVulnerabilitiesNeedMatches(t *testing.T) {
	t.Parallel()
	rules := map[string][]string{"package": {"package_type", "all"}, "blacklist": {"vulnerability_ids", "CVE-1"}}
	for trigger, params := range rules {
		s := input()
		s.Matched = false
		evaluation := evaluateRule(t, s, "vulnerabilities", trigger, params...)
		if evaluation.FinalAction != Stop || len(evaluation.Problems) != 1 || !strings.Contains(evaluation.Problems[0].Details, "not matched") {
			t.Errorf("%s: %s with problems %v, want stop because the image was not matched", trigger, evaluation.FinalAction, evaluation.Problems)
		}
	}
}
