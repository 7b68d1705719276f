package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// named is an image with vulnerabilities under several names.
func named() *Input {
	return withMatches(
		record("GHSA-7", githubNamespace, "python", "CVE-7"), record("PYSEC-7", "pypa:language:python", "python", "CVE-7"),
		record("ELSA-8", oracleNamespace, "rpm", "CVE-8", "CVE-9"),
	)
}

func whitelisting(t *testing.T, items ...string) *Bundle {
	t.Helper()
	return parse(t, parts{whitelists: whitelistOf("w", items...), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
		policies: policyOf("p", ruleOf("r", "vulnerabilities", "package", "STOP", "package_type", "all"))}.document())
}

// TestWhitelistByAlias: an item waives a vulnerability by any of its names, and an
// advisory only by its own.
func TestWhitelistByAlias(t *testing.T) {
	t.Parallel()
	tests := []struct {
		item string
		want []string // the trigger ids that are waived
	}{
		{"GHSA-7+p-1", []string{"GHSA-7+p-1"}},
		{"CVE-7+p-1", []string{"GHSA-7+p-1"}},
		{"CVE-7+*", []string{"GHSA-7+p-1"}},
		{"regexp:CVE-7.*", []string{"GHSA-7+p-1"}},
		{"PYSEC-7+p-1", []string{"GHSA-7+p-1"}},
		{"CVE-7+q-1", nil},
		{"CVE-70+p-1", nil},
		{"ELSA-8+p", []string{"ELSA-8+p"}},
		{"CVE-8+p", nil},
		{"CVE-*", []string{"GHSA-7+p-1"}},
	}
	for _, test := range tests {
		t.Run(test.item, func(t *testing.T) {
			t.Parallel()
			var waived []string
			for _, row := range evaluate(t, whitelisting(t, itemOf("i", "vulnerabilities", test.item, "")), named(), noon).Rows {
				if row.Waiver != nil {
					waived = append(waived, row.TriggerID)
				}
			}
			if diff := cmp.Diff(test.want, waived); diff != "" {
				t.Errorf("waived (-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhitelistPrefersTheOwnTriggerID(t *testing.T) {
	t.Parallel()
	bundle := whitelisting(t, itemOf("alias", "vulnerabilities", "CVE-7+*", "2026-06-07T00:00:00Z"), itemOf("own", "vulnerabilities", "GHSA-7+*", ""))
	rows := evaluate(t, bundle, named(), noon).Rows
	at := slices.IndexFunc(rows, func(r Row) bool { return r.TriggerID == "GHSA-7+p-1" })
	if at < 0 || rows[at].Waiver == nil || rows[at].Waiver.ItemID != "own" {
		t.Errorf("rows %+v, want GHSA-7 waived by its own name", rows)
	}
}

func TestReportNotifiesTheSpellingInUse(t *testing.T) {
	t.Parallel()
	bundle := whitelisting(t, itemOf("alias", "vulnerabilities", "CVE-7+p-1", ""), itemOf("own", "vulnerabilities", "GHSA-7+p-1", ""),
		itemOf("both", "vulnerabilities", "*-7+p-1", ""))
	reports, err := ReportWhitelists(t.Context(), bundle, Occurrences(evaluate(t, bundle, named(), noon)), noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"alias": {"GHSA-7+p-1"}, "own": nil, "both": nil}
	for _, r := range reports {
		if diff := cmp.Diff(want[r.Item.ID], r.Spellings); diff != "" || r.Matches != 1 || r.Attention() != (want[r.Item.ID] != nil) {
			t.Errorf("%s: %d matches, attention %v, spellings (-want +got)\n%s", r.Item.ID, r.Matches, r.Attention(), diff)
		}
	}
}

// TestEvaluationReadsOnlyWhatHashCovers changes each field of a finding: what
// changes an evaluation changes Finding.Hash, by which tags are woken.
func TestEvaluationReadsOnlyWhatHashCovers(t *testing.T) {
	t.Parallel()
	bundle := parse(t, parts{
		whitelists: whitelistOf("w", itemOf("i", "vulnerabilities", "CVE-70+*", "")), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
		policies: policyOf("p",
			ruleOf("a", "vulnerabilities", "package", "WARN", "package_type", "all", "severity_comparison", ">=", "vendor_only", "false"),
			ruleOf("b", "vulnerabilities", "package", "STOP", "package_type", "all", "cvss_v3_base_score", "0", "vendor_cvss_v3_base_score", "0",
				"cvss_v3_exploitability_score", "0", "vendor_cvss_v3_exploitability_score", "0", "cvss_v3_impact_score", "0", "vendor_cvss_v3_impact_score", "0"),
			ruleOf("c", "vulnerabilities", "blacklist", "STOP", "vulnerability_ids", "CVE-70,CVE-71,GHSA-70"),
			ruleOf("d", "vulnerabilities", "package", "STOP", "package_type", "all", "fix_available", "true", "max_days_since_fix", "1"))}.document())
	scores := []vuln.CVSS{{Source: "nvd", Version: "3.1", Vector: "v", Base: 7.5, Exploitability: 3.9, Impact: 3.6}}
	base := record("GHSA-7", githubNamespace, "python", "CVE-7")
	base.CVSS, base.URL, base.Related[0].CVSS, base.Related[0].Severity = scores, "https://l", scores, vuln.High
	base.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"1.1", "1.2"}}
	changes := map[string]func(f *vuln.Finding){
		"id":             func(f *vuln.Finding) { f.ID = "GHSA-70" },
		"namespace":      func(f *vuln.Finding) { f.Namespace = nvdNamespace },
		"severity":       func(f *vuln.Finding) { f.Severity = vuln.Low },
		"fix state":      func(f *vuln.Finding) { f.Fix.State = vuln.FixWont },
		"fix versions":   func(f *vuln.Finding) { f.Fix.Versions = []string{"1.3"} },
		"order of fixes": func(f *vuln.Finding) { f.Fix.Versions = []string{"1.2", "1.1"} },
		"link":           func(f *vuln.Finding) { f.URL = "https://m" },
		"further links":  func(f *vuln.Finding) { f.URLs = []string{"https://m"} },
		"vendor's base score": func(f *vuln.Finding) {
			f.CVSS = []vuln.CVSS{{Version: "3.0", Base: 8.8, Exploitability: 3.9, Impact: 3.6}}
		},
		"vendor's exploit score": func(f *vuln.Finding) {
			f.CVSS = []vuln.CVSS{{Version: "3.1", Base: 7.5, Exploitability: 1, Impact: 3.6}}
		},
		"vendor's impact score": func(f *vuln.Finding) {
			f.CVSS = []vuln.CVSS{{Version: "3.1", Base: 7.5, Exploitability: 3.9, Impact: 1}}
		},
		"vendor's CVSS 2":   func(f *vuln.Finding) { f.CVSS = append([]vuln.CVSS{{Version: "2.0", Base: 10}}, scores...) },
		"vendor's CVSS 4":   func(f *vuln.Finding) { f.CVSS = append([]vuln.CVSS{{Version: "4.0", Base: 10}}, scores...) },
		"no vendor's score": func(f *vuln.Finding) { f.CVSS = nil },
		"vector": func(f *vuln.Finding) {
			f.CVSS = []vuln.CVSS{{Version: "3.1", Vector: "w", Base: 7.5, Exploitability: 3.9, Impact: 3.6}}
		},
		"weaknesses":        func(f *vuln.Finding) { f.CWEs = []string{"CWE-1"} },
		"no related record": func(f *vuln.Finding) { f.Related = nil },
		"another related record": func(f *vuln.Finding) {
			f.Related = append(f.Related, vuln.Related{ID: "CVE-71", Namespace: nvdNamespace})
		},
		"NVD's base score": func(f *vuln.Finding) {
			f.Related = []vuln.Related{{ID: "CVE-7", Namespace: nvdNamespace, CVSS: []vuln.CVSS{{Version: "3.1", Base: 8.8, Exploitability: 3.9, Impact: 3.6}}}}
		},
		"related record's severity": func(f *vuln.Finding) {
			f.Related = []vuln.Related{{ID: "CVE-7", Namespace: nvdNamespace, CVSS: scores, Severity: vuln.Low}}
		},
		"known exploited": func(f *vuln.Finding) { f.KnownExploited = true },
		"description":     func(f *vuln.Finding) { f.Description = "d" },
		"published":       func(f *vuln.Finding) { f.Published = noon },
		"modified":        func(f *vuln.Finding) { f.Modified = noon },
		"how it matched":  func(f *vuln.Finding) { f.Hows = []string{"cpe-match"} },
	}
	before := evaluate(t, bundle, withMatches(base), noon)
	for name, change := range changes {
		changed := base
		changed.Related = slices.Clone(base.Related)
		change(&changed.Finding)
		differs := !cmp.Equal(before.Rows, evaluate(t, bundle, withMatches(changed), noon).Rows)
		if hash := changed.Hash() != base.Hash(); differs && !hash {
			t.Errorf("%s: the evaluation differs and the hash does not", name)
		} else if hash && !differs && name != "known exploited" && name != "namespace" {
			t.Errorf("%s: the hash differs and the evaluation does not", name)
		}
		if texts := changed.ContentHash() == base.ContentHash(); texts {
			t.Errorf("%s: not noticed at all", name)
		}
	}
}
