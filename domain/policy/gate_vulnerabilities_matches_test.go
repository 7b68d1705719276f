package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

const (
	nvdNamespace    = "nvd:cpe"
	githubNamespace = "github:language:java"
	debianNamespace = "debian:distro:debian:12"
	oracleNamespace = "oracle:distro:oraclelinux:8"
)

// record is a match of a vulnerability at /app.jar, or of a distribution package
// of that type.
func record(id, namespace, kind string, related ...string) vuln.Match {
	m := vuln.Match{Location: "/app.jar", Finding: vuln.Finding{
		ID: id, Namespace: namespace, Severity: vuln.High, Package: vuln.Package{Name: "p", Version: "1", Type: kind},
	}}
	for _, other := range related {
		m.Related = append(m.Related, vuln.Related{ID: other, Namespace: nvdNamespace})
	}
	return m
}

func TestMatchesOf(t *testing.T) {
	t.Parallel()
	elsewhere := record("GHSA-1", githubNamespace, "java-archive", "CVE-1")
	elsewhere.Location = "/other.jar"
	critical := record("GHSA-9", githubNamespace, "java-archive", "CVE-1")
	critical.Severity = vuln.Critical
	hidden := record("GHSA-1", githubNamespace, "python")
	hidden.Artifact = "owned"
	otherArchitecture := record("CVE-1", debianNamespace, "deb")
	otherArchitecture.Location = "/var/lib/dpkg/status.d/p"
	otherVersion := record("CVE-1", debianNamespace, "deb")
	otherVersion.Package.Version = "2"
	tests := []struct {
		name    string
		matches []vuln.Match
		want    []string
	}{
		{"GitHub before NVD", []vuln.Match{record("CVE-1", nvdNamespace, "java-archive"), record("GHSA-1", githubNamespace, "java-archive", "CVE-1")}, []string{"GHSA-1"}},
		{"whatever the order", []vuln.Match{record("GHSA-1", githubNamespace, "java-archive", "CVE-1"), record("CVE-1", nvdNamespace, "java-archive")}, []string{"GHSA-1"}},
		{"distribution before NVD", []vuln.Match{record("CVE-1", nvdNamespace, "rpm"), record("ELSA-1", oracleNamespace, "rpm", "CVE-1")}, []string{"ELSA-1"}},
		{"another CVE", []vuln.Match{record("CVE-2", nvdNamespace, "java-archive"), record("GHSA-1", githubNamespace, "java-archive", "CVE-1")}, []string{"CVE-2", "GHSA-1"}},
		{"another place", []vuln.Match{record("CVE-1", nvdNamespace, "java-archive"), elsewhere}, []string{"CVE-1", "GHSA-1"}},
		{"another type", []vuln.Match{record("CVE-1", nvdNamespace, "npm"), record("GHSA-1", githubNamespace, "java-archive", "CVE-1")}, []string{"CVE-1", "GHSA-1"}},
		{"advisories that share one CVE of several", []vuln.Match{record("ELSA-1", oracleNamespace, "rpm", "CVE-1", "CVE-2"), record("ELSA-2", oracleNamespace, "rpm", "CVE-2", "CVE-3")}, []string{"ELSA-1", "ELSA-2"}},
		{"the graver of equals", []vuln.Match{record("GHSA-1", githubNamespace, "java-archive", "CVE-1"), critical}, []string{"GHSA-9"}},
		{"the first of equals", []vuln.Match{record("GHSA-1", githubNamespace, "java-archive", "CVE-1"), record("GHSA-2", githubNamespace, "java-archive", "CVE-1")}, []string{"GHSA-1"}},
		{"records without a CVE", []vuln.Match{record("GHSA-1", githubNamespace, "java-archive"), record("GHSA-2", githubNamespace, "java-archive")}, []string{"GHSA-1", "GHSA-2"}},
		{"a distribution package is in one place", []vuln.Match{record("CVE-1", debianNamespace, "deb"), otherArchitecture}, []string{"CVE-1"}},
		{"two versions of a distribution package", []vuln.Match{record("CVE-1", debianNamespace, "deb"), otherVersion}, []string{"CVE-1", "CVE-1"}},
		{"of a package of the distribution's", []vuln.Match{hidden}, nil},
		{"of a type that policies do not know", []vuln.Match{record("GHSA-1", "github:language:rust", "rust-crate")}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := withMatches(test.matches...)
			s.Inventory.Packages = []sbom.Package{{ID: "owned", Type: "python", Owned: true}}
			matches, err := matchesOf(&check{input: s, memo: newMemo(noTimeLimit(), nil)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range matches {
				got = append(got, m.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
