package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// openssl is a match of a distribution package, changed as a test needs it.
func openssl(changes ...func(*vuln.Match)) vuln.Match {
	m := vuln.Match{Finding: vuln.Finding{
		ID: "CVE-1", Namespace: debianNamespace, Severity: vuln.High, URL: "http://l",
		Package: vuln.Package{Name: "openssl", Version: "1.0", Type: "deb"},
	}}
	for _, change := range changes {
		change(&m)
	}
	return m
}

func severityOf(severity vuln.Severity) func(*vuln.Match) {
	return func(m *vuln.Match) { m.Severity = severity }
}

func fixedIn(versions ...string) func(*vuln.Match) {
	return func(m *vuln.Match) { m.Fix = vuln.Fix{State: vuln.FixKnown, Versions: versions} }
}

func wont(m *vuln.Match) { m.Fix.State = vuln.FixWont }

// language is a match of a language package at a place.
func language(id, kind, name, version, location string) vuln.Match {
	return vuln.Match{Location: location, Finding: vuln.Finding{
		ID: id, Namespace: "github:language:" + kind, Severity: vuln.Critical, URL: "http://l",
		Package: vuln.Package{Name: name, Version: version, Type: kind},
	}}
}

const opensslMessage = "HIGH Vulnerability found in os package type (dpkg) - openssl (CVE-1 - http://l)"

// vulnerabilityTest is one match and whether a rule fires for it.
type vulnerabilityTest struct {
	name   string
	params []string
	match  vuln.Match
	want   string // the message; "" if the rule does not fire
}

func testVulnerabilities(t *testing.T, tests []vulnerabilityTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			params := test.params
			if len(params) == 0 || params[0] != "package_type" {
				params = join([]string{"package_type", "all"}, params)
			}
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			rows := rowsOf(t, withMatches(test.match), "vulnerabilities", "package", params...)
			if diff := cmp.Diff(want, messagesOf(rows)); diff != "" {
				t.Errorf("messages (-want +got)\n%s", diff)
			}
		})
	}
}

func TestVulnerabilityClass(t *testing.T) {
	t.Parallel()
	java := language("GHSA-2", "java-archive", "bar", "2", "/a.war:WEB-INF/lib/bar-2.jar")
	javaMessage := "CRITICAL Vulnerability found in non-os package type (java) - /a.war:WEB-INF/lib/bar-2.jar (GHSA-2 - http://l)"
	testVulnerabilities(t, []vulnerabilityTest{
		{"all, os", []string{"package_type", "all"}, openssl(), opensslMessage},
		{"os, os", []string{"package_type", "os"}, openssl(), opensslMessage},
		{"non-os, os", []string{"package_type", "non-os"}, openssl(), ""},
		{"all, non-os", []string{"package_type", "all"}, java, javaMessage},
		{"os, non-os", []string{"package_type", "os"}, java, ""},
		{"non-os, non-os", []string{"package_type", "non-os"}, java, javaMessage},
		{"excluded", []string{"package_type", "all", "package_path_exclude", `/a\.war`}, java, ""},
		{"excluded from the start only", []string{"package_type", "all", "package_path_exclude", `a\.war`}, java, javaMessage},
		{"os is never excluded", []string{"package_type", "all", "package_path_exclude", `.*`}, openssl(), opensslMessage},
		{"empty exclusion", []string{"package_type", "all", "package_path_exclude", ""}, java, ""},
	})
}

func TestVulnerabilitySeverity(t *testing.T) {
	t.Parallel()
	testVulnerabilities(t, []vulnerabilityTest{
		{"known by default", nil, openssl(severityOf(vuln.Negligible)), "NEGLIGIBLE Vulnerability found in os package type (dpkg) - openssl (CVE-1 - http://l)"},
		{"not unknown by default", nil, openssl(severityOf(vuln.Unknown)), ""},
		{"none counts as unknown", nil, openssl(severityOf("")), ""},
		{"unknown if wanted", []string{"severity_comparison", ">="}, openssl(severityOf("")), "UNKNOWN Vulnerability found in os package type (dpkg) - openssl (CVE-1 - http://l)"},
		{"above", []string{"severity", "medium"}, openssl(), opensslMessage},
		{"not above", []string{"severity", "high"}, openssl(), ""},
		{"equal", []string{"severity", "high", "severity_comparison", "="}, openssl(), opensslMessage},
		{"different", []string{"severity", "low", "severity_comparison", "!="}, openssl(), opensslMessage},
		{"below", []string{"severity", "critical", "severity_comparison", "<"}, openssl(), opensslMessage},
		{"at most", []string{"severity", "high", "severity_comparison", "<="}, openssl(), opensslMessage},
		{"not at least", []string{"severity", "critical", "severity_comparison", ">="}, openssl(), ""},
	})
}

func TestVulnerabilityFix(t *testing.T) {
	t.Parallel()
	const fixedMessage = "HIGH Vulnerability found in os package type (dpkg) - openssl (fixed in: 1.1, 1.2)(CVE-1 - http://l)"
	testVulnerabilities(t, []vulnerabilityTest{
		{"shown without being asked for", nil, openssl(fixedIn("1.1", "1.2")), fixedMessage},
		{"fix wanted", []string{"fix_available", "true"}, openssl(fixedIn("1.1", "1.2")), fixedMessage},
		{"fix wanted, none", []string{"fix_available", "true"}, openssl(), ""},
		{"no fix wanted", []string{"fix_available", "false"}, openssl(), opensslMessage},
		{"no fix wanted, some", []string{"fix_available", "false"}, openssl(fixedIn("1.1")), ""},
		{"not to be fixed", nil, openssl(wont), ""},
		{"not to be fixed, wanted", []string{"vendor_only", "False"}, openssl(wont), opensslMessage},
		{"no link", nil, openssl(func(m *vuln.Match) { m.URL = "" }), "HIGH Vulnerability found in os package type (dpkg) - openssl (CVE-1 - N/A)"},
	})
}

func TestVulnerabilityScores(t *testing.T) {
	t.Parallel()
	scored := openssl(func(m *vuln.Match) {
		m.CVSS = []vuln.CVSS{{Version: "3.1", Base: 5, Exploitability: 0, Impact: 2.5}, {Version: "2.0", Base: 10}}
		m.Related = []vuln.Related{
			{ID: "CVE-1", Namespace: nvdNamespace, CVSS: []vuln.CVSS{{Version: "3.0", Base: 7, Exploitability: 3.9, Impact: 3.6}, {Version: "3.1", Base: 7.5}, {Version: "4.0", Base: 9}}},
			{ID: "GHSA-1", Namespace: githubNamespace, CVSS: []vuln.CVSS{{Version: "3.1", Base: 9.9}}},
		}
	})
	nvd := language("CVE-1", "java-archive", "bar", "2", "/bar.jar")
	nvd.Namespace, nvd.CVSS = nvdNamespace, []vuln.CVSS{{Version: "3.1", Base: 9.8}}
	message := func(scores string) string {
		return "HIGH Vulnerability found in os package type (dpkg) - openssl " + scores + "(CVE-1 - http://l)"
	}
	nvdMessage := func(scores string) string {
		return "CRITICAL Vulnerability found in non-os package type (java) - /bar.jar " + scores + "(CVE-1 - http://l)"
	}
	testVulnerabilities(t, []vulnerabilityTest{
		{"highest of NVD", []string{"cvss_v3_base_score", "7.5"}, scored, message("(cvss_v3_base_score=7.5)")},
		{"below", []string{"cvss_v3_base_score", "7.6"}, scored, ""},
		{"comparison", []string{"cvss_v3_base_score", "7.5", "cvss_v3_base_score_comparison", ">"}, scored, ""},
		{"comparison without a score", []string{"cvss_v3_base_score_comparison", "="}, scored, message("")},
		{"all of NVD's", []string{"cvss_v3_base_score", "7", "cvss_v3_exploitability_score", "3.9", "cvss_v3_impact_score", "3"}, scored,
			message("(cvss_v3_base_score=7.5 cvss_v3_exploitability_score=3.9 cvss_v3_impact_score=3.6)")},
		{"one of NVD's too low", []string{"cvss_v3_base_score", "7", "cvss_v3_exploitability_score", "4"}, scored, ""},
		{"vendor", []string{"vendor_cvss_v3_base_score", "5"}, scored, message("(vendor_cvss_v3_base_score=5.0)")},
		{"vendor below", []string{"vendor_cvss_v3_impact_score", "2.6"}, scored, ""},
		{"vendor's zero is not shown", []string{"vendor_cvss_v3_exploitability_score", "0", "vendor_cvss_v3_impact_score", "2"}, scored, message("(vendor_cvss_v3_impact_score=2.5)")},
		{"only a zero", []string{"vendor_cvss_v3_exploitability_score", "0"}, scored, message("")},
		{"both sources", []string{"vendor_cvss_v3_base_score", "5", "cvss_v3_base_score", "7"}, scored, message("(cvss_v3_base_score=7.5)(vendor_cvss_v3_base_score=5.0)")},
		{"no score is below", []string{"cvss_v3_base_score", "4", "cvss_v3_base_score_comparison", "<"}, openssl(), message("(cvss_v3_base_score=-1.0)")},
		{"no score is not above", []string{"cvss_v3_base_score", "0"}, openssl(), ""},
		{"NVD's own record", []string{"cvss_v3_base_score", "9.8", "cvss_v3_base_score_comparison", "="}, nvd, nvdMessage("(cvss_v3_base_score=9.8)")},
		{"NVD is no vendor", []string{"vendor_cvss_v3_base_score", "0"}, nvd, ""},
		{"NVD is no vendor, below", []string{"vendor_cvss_v3_base_score", "0", "vendor_cvss_v3_base_score_comparison", "!="}, nvd, nvdMessage("(vendor_cvss_v3_base_score=-1.0)")},
	})
}

func TestVulnerabilityAge(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	seen := func(detected, fixed time.Duration) vuln.Match {
		m := openssl(fixedIn("1.1"))
		m.Detected = noon.Add(-detected)
		if fixed >= 0 {
			m.FixObserved = noon.Add(-fixed)
		}
		return m
	}
	message := func(age string) []string {
		return []string{"HIGH Vulnerability found in os package type (dpkg) - openssl (fixed in: 1.1)" + age + "(CVE-1 - http://l)"}
	}
	created, both := []string{"max_days_since_creation", "7"}, []string{"max_days_since_creation", "7", "max_days_since_fix", "5", "fix_available", "true"}
	fix := []string{"max_days_since_fix", "5", "fix_available", "true"}
	tests := []struct {
		name   string
		params []string
		match  vuln.Match
		want   []string
		next   time.Time
	}{
		{"old enough", created, seen(8*day, 0), message("(max_days_since_creation=2026-05-24)"), time.Time{}},
		{"old enough at this moment", created, seen(7*day, 0), message("(max_days_since_creation=2026-05-25)"), time.Time{}},
		{"too young", created, seen(5*day, 0), nil, noon.Add(2 * day)},
		{"no days are no condition", []string{"max_days_since_creation", "0"}, seen(-day, 0), message("(max_days_since_creation=2026-06-02)"), time.Time{}},
		{"age not known", created, openssl(fixedIn("1.1")), message(""), time.Time{}},
		{"fix old enough", fix, seen(0, 6*day), message("(max_days_since_fix=2026-05-26)"), time.Time{}},
		{"fix too young", fix, seen(0, 2*day), nil, noon.Add(3 * day)},
		{"age of the fix not known", fix, seen(0, -1), message(""), time.Time{}},
		{"age of the fix without asking for one", []string{"max_days_since_fix", "5"}, seen(0, 2*day), message(""), time.Time{}},
		{"both old enough", both, seen(8*day, 6*day), message("(max_days_since_creation=2026-05-24 max_days_since_fix=2026-05-26)"), time.Time{}},
		{"both too young", both, seen(5*day, 4*day), nil, noon.Add(2 * day)},
		{"fix the younger", both, seen(8*day, 1*day), nil, noon.Add(4 * day)},
		{"another condition fails", join(created, []string{"severity", "critical"}), seen(5*day, 0), nil, time.Time{}},
		{"very many days", []string{"max_days_since_creation", "9223372036854775807"}, seen(0, 0), nil, noon.AddDate(0, 0, maxDays)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			params := join([]string{"package_type", "os"}, test.params)
			evaluation := evaluateRule(t, withMatches(test.match), "vulnerabilities", "package", params...)
			if diff := cmp.Diff(test.want, messagesOf(evaluation.Rows)); diff != "" {
				t.Errorf("messages (-want +got)\n%s", diff)
			}
			if !evaluation.Next.Equal(test.next) {
				t.Errorf("changes at %s, want %s", evaluation.Next, test.next)
			}
		})
	}
}

func TestVulnerabilityMessageInFull(t *testing.T) {
	t.Parallel()
	m := openssl(fixedIn("1.1"))
	m.Detected, m.FixObserved = noon.AddDate(0, 0, -9), noon.AddDate(0, 0, -8)
	m.CVSS = []vuln.CVSS{{Version: "3.1", Base: 5}}
	m.Related = []vuln.Related{{ID: "CVE-1", Namespace: nvdNamespace, CVSS: []vuln.CVSS{{Version: "3.1", Base: 7.5}}}}
	testVulnerabilities(t, []vulnerabilityTest{{"everything", []string{
		"fix_available", "true", "max_days_since_creation", "1", "max_days_since_fix", "1", "cvss_v3_base_score", "7", "vendor_cvss_v3_base_score", "4",
	}, m, "HIGH Vulnerability found in os package type (dpkg) - openssl (fixed in: 1.1)(cvss_v3_base_score=7.5)" +
		"(max_days_since_creation=2026-05-23 max_days_since_fix=2026-05-24)(vendor_cvss_v3_base_score=5.0)(CVE-1 - http://l)"}})
}

func TestVulnerabilityTriggerID(t *testing.T) {
	t.Parallel()
	alpine := openssl(func(m *vuln.Match) {
		m.ID, m.Package = "CVE-9", vuln.Package{Name: "musl", Version: "1.2", Type: "apk"}
	})
	tests := []struct {
		name  string
		match vuln.Match
		want  string
	}{
		{"dpkg", openssl(), "CVE-1+openssl"},
		{"APKG", alpine, "CVE-9+musl"},
		{"npm", language("GHSA-1", "npm", "foo", "1", "/usr/lib/node_modules/foo/package.json"), "GHSA-1+foo"},
		{"scoped npm", language("GHSA-1", "npm", "@s/n", "1", "/app/node_modules/@s/n/package.json"), "GHSA-1+n"},
		{"npm at the top", language("GHSA-1", "npm", "foo", "1", "/package.json"), "GHSA-1+foo-1"},
		{"npm without a path", language("GHSA-1", "npm", "foo", "1", "package.json"), "GHSA-1+foo-1"},
		{"java", language("GHSA-2", "java-archive", "bar", "2", "/a.war:WEB-INF/lib/bar-2.jar"), "GHSA-2+bar-2.jar"},
		{"java shaded", language("GHSA-2", "java-archive", "guava", "2", "/sandbox/target/my-app-1.jar:guava"), "GHSA-2+my-app-1.jar:guava"},
		{"jenkins plugin", language("GHSA-2", "jenkins-plugin", "git", "2", "/plugins/git.hpi"), "GHSA-2+git.hpi"},
		{"java without a location", language("GHSA-2", "java-archive", "bar", "2", ""), "GHSA-2+bar-2"},
		{"python", language("GHSA-3", "python", "baz", "3", "/usr/lib/python3/site-packages/baz"), "GHSA-3+baz-3"},
		{"gem", language("GHSA-4", "gem", "g", "3", "/usr/lib/ruby/specifications/g-3.gemspec"), "GHSA-4+g-3.gemspec"},
		{"go", language("GHSA-5", "go-module", "gm", "v3", "/bin/x"), "GHSA-5+gm-v3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows := rowsOf(t, withMatches(test.match), "vulnerabilities", "package", "package_type", "all")
			if diff := cmp.Diff([]string{test.want}, idsOf(rows)); diff != "" {
				t.Errorf("trigger ids (-want +got)\n%s", diff)
			}
		})
	}
}
