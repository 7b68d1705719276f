package vuln_test

import (
	"slices"
	"testing"
	"time"

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

func TestIncomplete(t *testing.T) {
	t.Parallel()
	end := time.Date(2024, 6, 30, 0, 0, 0, 0, time.UTC)
	const ended = "debian 10 reached its end of life on 2024-06-30, data may be incomplete"
	for _, test := range []struct {
		state vuln.CoverageState
		now   time.Time
		want  string
	}{
		{vuln.Covered, end.Add(-time.Second), ""},
		{vuln.Covered, end, ended},
		{vuln.NotCovered, end.Add(-time.Second), "not covered: why"},
		{vuln.NotCovered, end, "not covered: why; " + ended},
	} {
		c := vuln.Coverage{State: test.state, Distribution: "debian 10", Reason: "why", EndOfLife: end}
		if got := c.Incomplete(test.now); got != test.want {
			t.Errorf("%s at %s: %q, want %q", test.state, test.now, got, test.want)
		}
	}
	if (vuln.Coverage{State: vuln.Covered}).Ended(end) {
		t.Error("a date that is not known has passed")
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
