package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestExplicitTriggerIDs follows the ids that whitelists are written with
// through a whole evaluation.
func TestExplicitTriggerIDs(t *testing.T) {
	t.Parallel()
	match := func(id, name, version, kind, location string) vuln.Match {
		return vuln.Match{
			Finding:  vuln.Finding{ID: id, Severity: vuln.High, Package: vuln.Package{Name: name, Version: version, Type: kind}},
			Location: location,
		}
	}
	s := input()
	s.Matches = []vuln.Match{
		match("CVE-1", "openssl", "1.0", "deb", ""),
		match("CVE-9", "musl", "1.2", "apk", ""),
		match("GHSA-1", "foo", "1", "npm", "/usr/lib/node_modules/foo/package.json"),
		match("GHSA-2", "bar", "2", "java-archive", "/a.war:WEB-INF/lib/bar-2.jar"),
		match("GHSA-3", "baz", "3", "python", "/usr/lib/python3/site-packages/baz"),
		match("GHSA-4", "g", "3", "gem", "/usr/lib/ruby/specifications/g-3.gemspec"),
		match("GHSA-5", "gm", "v3", "go-module", "/bin/x"),
	}
	s.Inventory.Malware = []sbom.MalwareScan{{Scanner: "clamav", Findings: []sbom.MalwareFinding{{Path: "/elf", Signature: "Unix.Trojan"}}}}
	s.Inventory.Retrieved = map[string][]byte{"/etc/ssh/sshd_config": []byte("PermitRootLogin yes\n")}
	b := parse(t, parts{policies: policyOf("p",
		ruleOf("v", "vulnerabilities", "package", "STOP", "package_type", "all"),
		ruleOf("m", "malware", "scans", "STOP"),
		ruleOf("r1", "retrieved_files", "content_regex", "STOP", "path", "/etc/ssh/sshd_config", "check", "match", "regex", "PermitRootLogin"),
		ruleOf("a", "always", "always", "GO"),
	)}.document())
	var got []string
	for _, row := range evaluate(t, b, s, noon).Rows {
		got = append(got, row.TriggerID)
	}
	want := []string{
		"CVE-1+openssl", "CVE-9+musl", "GHSA-1+foo", "GHSA-2+bar-2.jar", "GHSA-3+baz-3", "GHSA-4+g-3.gemspec", "GHSA-5+gm-v3",
		"clamav+Unix.Trojan+305c88b97bea4feeaf6e8263efd34e26", "r1+file:///etc/ssh/sshd_config", "always",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trigger ids (-want +got)\n%s", diff)
	}
}
