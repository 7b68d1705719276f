package watch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

var (
	covered   = vuln.Coverage{State: vuln.Covered, Distribution: "debian 10"}
	uncovered = vuln.Coverage{State: vuln.NotCovered, Distribution: "debian 10", Reason: "the data has nothing about debian 10"}
)

// coverageOf is what the tests read of a vuln_update or a tag_update.
type coverageOf struct {
	Coverage   vuln.Coverage
	Previous   struct{ Coverage vuln.Coverage }
	Difference struct {
		Added, Updated, Removed []struct{}
		NotCovered              []struct {
			ID string `json:"CVE_ID"`
		} `json:"not_covered"`
	} `json:"diff_vulnerability_result"`
	Image struct {
		Vulnerabilities struct {
			Fixed, Introduced []struct{}
			NotCovered        []struct{} `json:"not_covered"`
		}
	} `json:"image_difference"`
}

func coverageBody(t *testing.T, d watch.Decision, kind notification.Type) (b coverageOf, summary string) {
	t.Helper()
	for _, n := range d.Notifications {
		if n.Type == kind {
			if err := json.Unmarshal(n.Payload, &b); err != nil {
				t.Fatal(err)
			}
			return b, n.Summary
		}
	}
	t.Fatalf("no %s was sent: %v", kind, notified(d))
	return b, ""
}

// TestCoverageOfTheSameImage: data that loses or gains the distribution of an
// image is news, also when the list stays as it is; nothing is said to be fixed.
func TestCoverageOfTheSameImage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before, after vuln.Coverage
		notified      []string
		says          string
	}{
		{"lost", covered, uncovered, []string{"vuln_update feed"}, "no longer covered: the data has nothing about debian 10"},
		{"gained", uncovered, covered, []string{"vuln_update feed"}, "debian 10 is covered now"},
		{"still missing", uncovered, uncovered, nil, ""},
		{"still covered", covered, covered, nil, ""},
	} {
		before, seen := recorded(), unchanged()
		before.Coverage, seen.Coverage = c.before, c.after
		seen.Basis.Build = "build 2"
		decision := decide(t, before, seen, everyone(subscription.Options{MinSeverity: vuln.Critical, FixableOnly: true}))
		if diff := cmp.Diff(c.notified, notified(decision)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
		if decision.State.Coverage != c.after || decision.State.Summarize(target).Coverage != c.after {
			t.Errorf("%s: the state's coverage is %+v", c.name, decision.State.Coverage)
		}
		if c.notified == nil {
			continue
		}
		got, summary := coverageBody(t, decision, notification.VulnUpdate)
		if got.Coverage != c.after || got.Previous.Coverage != c.before || len(got.Difference.Removed) > 0 || !strings.Contains(summary, c.says) {
			t.Errorf("%s: %q, %+v", c.name, summary, got)
		}
		if !decision.State.Changed.Equal(noon) {
			t.Errorf("%s: is no change", c.name)
		}
	}
}

// TestMoveToWhatIsNotCovered: an image of a distribution that the data does not
// cover takes the place of one that it does. That nothing is found in it fixes
// nothing; what other data says of its packages still counts.
func TestMoveToWhatIsNotCovered(t *testing.T) {
	t.Parallel()
	before, seen := recorded(), unchanged()
	library := vuln.Finding{ID: "GHSA-1111-2222-3333", Namespace: "github:language:javascript", Severity: vuln.Low,
		Package: vuln.Package{Name: "lodash", Version: "4", Type: "npm"}}
	before.Coverage, before.Vulnerabilities = covered, append(before.Vulnerabilities, library)
	seen.Resolved, seen.Analyzed = image.Resolved{Manifest: newer}, newer
	seen.Coverage, seen.Vulnerabilities = uncovered, nil
	seen.Difference = &notification.ImageDifference{}
	seen.Evaluation = evaluation(newer, policy.Stop)
	decision := decide(t, before, seen, everyone(subscription.Options{}))
	list, summary := coverageBody(t, decision, notification.VulnUpdate)
	if len(list.Difference.Removed) != 1 || len(list.Difference.NotCovered) != 1 || list.Difference.NotCovered[0].ID != "CVE-2026-0001" {
		t.Errorf("lists %+v", list.Difference)
	}
	if !strings.Contains(summary, "1 vulnerability removed: GHSA-1111-2222-3333; 1 no longer known: CVE-2026-0001; no longer covered: the data has nothing about debian 10") {
		t.Errorf("summary %q", summary)
	}
	moved, summary := coverageBody(t, decision, notification.TagUpdate)
	if got := moved.Image.Vulnerabilities; len(got.Fixed) != 1 || len(got.NotCovered) != 1 || moved.Coverage != uncovered || !strings.Contains(summary, "not covered") {
		t.Errorf("%q: difference %+v, coverage %+v", summary, got, moved.Coverage)
	}
	for _, kind := range []notification.Type{notification.AnalysisUpdate, notification.PolicyEval} {
		if got, summary := coverageBody(t, decision, kind); got.Coverage != uncovered || !strings.Contains(summary, "not covered: the data has nothing about debian 10") {
			t.Errorf("%s: %q, coverage %+v", kind, summary, got.Coverage)
		}
	}
}

// TestMoveIsNotCoveredBeforeItIsAnalyzed: nothing is said of an image that is not
// analyzed yet.
func TestMoveIsNotCoveredBeforeItIsAnalyzed(t *testing.T) {
	t.Parallel()
	before, seen := recorded(), unchanged()
	before.Coverage, seen.Coverage = uncovered, uncovered
	seen.Resolved = image.Resolved{Manifest: newer}
	moved, _ := coverageBody(t, decide(t, before, seen, everyone(subscription.Options{})), notification.TagUpdate)
	if moved.Coverage != (vuln.Coverage{}) || moved.Previous.Coverage != uncovered {
		t.Errorf("coverage %+v, before %+v", moved.Coverage, moved.Previous.Coverage)
	}
}

// TestLostAndRegainedCoverageIsDebounced: a receiver that hears of neither has a
// true picture.
func TestLostAndRegainedCoverageIsDebounced(t *testing.T) {
	t.Parallel()
	before, seen := recorded(), unchanged()
	before.Coverage, seen.Coverage = covered, uncovered
	lost := decide(t, before, seen, everyone(subscription.Options{}))
	seen.Coverage = covered
	regained := decide(t, lost.State, seen, everyone(subscription.Options{}))
	if loops := notification.Debounce(1, append(lost.Notifications, regained.Notifications...)); len(loops) != 1 || len(loops[0]) != 2 {
		t.Errorf("loops %v", loops)
	}
	if loops := notification.Debounce(1, lost.Notifications); len(loops) != 0 {
		t.Errorf("loops %v", loops)
	}
}
