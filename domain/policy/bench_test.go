package policy

import (
	"fmt"
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// workload is an image of 500 packages and 20,000 files with a thousand
// vulnerabilities, and a bundle in the manner of the CIS benchmark with a
// whitelist of 2,670 items.
func workload(tb testing.TB) (*Bundle, *Input) {
	s := input()
	for i := range 500 {
		name := fmt.Sprintf("package-%d", i)
		s.Inventory.Packages = append(s.Inventory.Packages, sbom.Package{ID: name, Name: name, Version: "1.0", Type: "deb", Licenses: []string{"MIT"}})
		for v := range 2 {
			s.Matches = append(s.Matches, vuln.Match{Artifact: name, Finding: vuln.Finding{
				ID: fmt.Sprintf("CVE-%d-%04d", 2020+v, i), Severity: vuln.High, Package: vuln.Package{Name: name, Version: "1.0", Type: "deb"},
			}})
		}
	}
	for i := range 20_000 {
		s.Inventory.Files = append(s.Inventory.Files, sbom.File{Path: fmt.Sprintf("/usr/share/doc/package-%d/file", i), Mode: sbom.ModeRegular | 0o644})
	}
	s.Inventory.Retrieved = map[string][]byte{"/etc/passwd": []byte("root:x:0:0:root:/root:/bin/bash\n")}
	return parse(tb, workloadBundle()), s
}

func workloadBundle() string {
	var items []string
	for i := range 2670 {
		pattern := fmt.Sprintf("CVE-2020-%04d+*", i)
		switch {
		case i%3 == 1:
			pattern = fmt.Sprintf("CVE-2021-%04d+package-%d", i, i)
		case i%100 == 0:
			pattern = fmt.Sprintf("*+linux-headers-%d*", i)
		case i%500 == 2:
			pattern = fmt.Sprintf(`regexp:CVE-2021-%04d\+`, i)
		}
		items = append(items, itemOf(fmt.Sprint(i), "vulnerabilities", pattern, "2099-01-01T00:00:00Z"))
	}
	return parts{
		policies: policyOf("p",
			ruleOf("r1", "vulnerabilities", "package", "STOP", "package_type", "all", "severity_comparison", ">=", "severity", "medium"),
			ruleOf("r2", "files", "suid_or_guid_set", "STOP"),
			ruleOf("r3", "passwd_file", "blacklist_usernames", "WARN", "user_names", "daemon"),
			ruleOf("r4", "packages", "blacklist", "STOP", "name", "telnetd"),
			ruleOf("r5", "licenses", "blacklist_partial_match", "WARN", "licenses", "GPL"),
			ruleOf("r6", "dockerfile", "instruction", "WARN", "instruction", "HEALTHCHECK", "check", "not_exists"),
		),
		whitelists: whitelistOf("w", items...),
		mappings:   mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
	}.document()
}

func BenchmarkEvaluate(b *testing.B) {
	bundle, s := workload(b)
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows = len(evaluate(b, bundle, s, noon).Rows)
	}
	b.ReportMetric(float64(rows), "rows")
}

func BenchmarkParse(b *testing.B) {
	document := []byte(workloadBundle())
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		Parse(document)
	}
}
