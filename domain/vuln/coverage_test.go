package vuln_test

import (
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestKeepUncovered: what a distribution's data said stays while there is none;
// what other data says is as it is now.
func TestKeepUncovered(t *testing.T) {
	t.Parallel()
	found := func(member int, id, namespace string) vuln.GroupFinding {
		return vuln.GroupFinding{Member: member, Finding: vuln.Finding{ID: id, Namespace: namespace}}
	}
	debian, product := "debian:distro:debian:10", "nvd:cpe"
	known := []vuln.GroupFinding{found(0, "CVE-1", debian), found(0, "CVE-2", product), found(1, "CVE-1", debian), found(0, "CVE-3", debian)}
	now := []vuln.GroupFinding{found(0, "CVE-4", product), found(0, "CVE-3", product)}
	var got []string
	for _, f := range vuln.KeepUncovered(known, now) {
		got = append(got, string(rune('0'+f.Member))+" "+f.ID+" "+f.Namespace)
	}
	if want := []string{"0 CVE-4 nvd:cpe", "0 CVE-3 nvd:cpe", "0 CVE-1 " + debian, "1 CVE-1 " + debian}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

func TestOnlyWhatIsNotCoveredIsMissing(t *testing.T) {
	t.Parallel()
	for state, want := range map[vuln.CoverageState]string{vuln.Covered: "", vuln.NotApplicable: "", "": "", vuln.NotCovered: "not covered: why"} {
		c := vuln.Coverage{State: state, Distribution: "debian 10", Reason: "why"}
		if c.String() != want || c.Missing() != (want != "") {
			t.Errorf("%s: %q, missing %t", state, c, c.Missing())
		}
	}
}
