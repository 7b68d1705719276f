package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestTriggerIDsOfRules holds trigger ids that whitelists in use refer to. Each
// must come out of a rule and an image, not only out of the message.
func TestTriggerIDsOfRules(t *testing.T) {
	t.Parallel()
	pem := sbom.File{Path: "/a/b.pem", Mode: sbom.ModeRegular | 0o644}
	debian := withImage(sbom.Inventory{Distro: sbom.Distro{ID: "debian", VersionID: "10"}})
	vulnerable := withMatches(
		vuln.Match{Finding: vuln.Finding{ID: "CVE-1", Package: vuln.Package{Name: "a", Type: "deb"}}},
		vuln.Match{Finding: vuln.Finding{ID: "GHSA-2", Package: vuln.Package{Name: "b", Type: "npm"}}},
	)
	tests := []struct {
		gate, trigger string
		params        []string
		input         *Input
		want          string
	}{
		{"dockerfile", "no_dockerfile_provided", nil, input(), "b00b22232c1902075263067d2d2b8eea"},
		{"dockerfile", "instruction", []string{"instruction", "FROM", "check", "=", "value", "a:1"}, withDockerfile("FROM a:1"), "60ccc9eabd4eb500cf6c625392f54a06"},
		{"dockerfile", "instruction", []string{"instruction", "LABEL", "check", "not_exists"}, withDockerfile("FROM a:1"), "1309d0e9ce0d1a54b1f591bad0b0b1c2"},
		{"dockerfile", "exposed_ports", []string{"ports", "22", "type", "blacklist"}, withDockerfile("EXPOSE 22"), "cc05c35507995b4a657b63f9b0baa281"},
		{"dockerfile", "effective_user", []string{"users", "root", "type", "blacklist"}, withDockerfile("FROM a"), "cbff271f45d32e78dcc1979dbca9c14d"},
		{"files", "name_match", []string{"regex", `.*\.pem`}, withFiles(pem), "2abcc9e24e442544ad1b9bac620c1fa3"},
		{"files", "attribute_match", []string{"filename", "/a/b.pem", "mode", "00644"}, withFiles(pem), "e9fd58d1b4e24b5104095918167dae3a"},
		{"secret_scans", "content_regex_checks", []string{"match_type", "notfound"}, input(), "9715fd56c1801e0f2551b7970dcbf032"},
		{"passwd_file", "content_not_available", nil, input(), "a03e8bea98bc473ccb1dc7471b201943"},
		{"passwd_file", "blacklist_shells", []string{"shells", "/bin/bash"}, withRetrieved("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"), "acb8110c066f80e1759e0722e87d8097"},
		{"retrieved_files", "content_not_available", []string{"path", "/x"}, input(), "013ff87ce9b12826800438355925acd3"},
		{"licenses", "blacklist_exact_match", []string{"licenses", "GPLv2+,MIT"}, withPackages(sbom.Package{Name: "a", Type: "deb", Licenses: []string{"GPLv2+", "MIT"}}), "110dbd9c501ad076793f35e4415bed59"},
		{"metadata", "attribute", []string{"attribute", "size", "check", ">", "value", "100mb"}, withImage(sbom.Inventory{Size: 141455360}), "5834b09eb28e88da9b64163ad7548551"},
		{"malware", "scan_not_run", nil, input(), "7feaec55f790ab6b3edba15014b8b5f2"},
		{"vulnerabilities", "blacklist", []string{"vulnerability_ids", "CVE-1,GHSA-2"}, vulnerable, "f8bb5b5aa0f374dc27832bb7e0c14907"},
		{"vulnerabilities", "stale_feed_data", []string{"max_days_since_sync", "2"}, input(), "deb3f1afb4ea0ddf587e6c62c341c6fa"},
		{"vulnerabilities", "vulnerability_data_unavailable", nil, debian, "86fa1d788823cd10f205361f8493f38c"},
	}
	for _, test := range tests {
		t.Run(test.gate+" "+test.trigger, func(t *testing.T) {
			t.Parallel()
			rows := rowsOf(t, test.input, test.gate, test.trigger, test.params...)
			if diff := cmp.Diff([]string{test.want}, idsOf(rows)); diff != "" {
				t.Errorf("trigger ids (-want +got)\n%s", diff)
			}
		})
	}
}
