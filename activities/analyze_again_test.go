package activities_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// A newer analyzer shows in the observation of a known image until it has
// looked at it. What is known serves meanwhile; what it finds more is told with
// the scanner as the cause.
func TestANewerAnalyzerFindsMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.activate("usual", "high")
	digest := r.push("app:1", "zlib 1")
	target := r.settled("app:1")
	do[watch.Round](r, r.steps.Deliver, "hook")
	before := r.received()

	r.analyzer.version = "analyzer 2"
	r.analyzer.finds(digest, "zlib 1", "openssl 1")
	if seen := r.pass(target); seen.Newer != "analyzer 2" || !seen.Analyzed || seen.Changed {
		t.Errorf("before the second look: %+v", seen)
	}
	do[watch.Analysis](r, r.steps.Analyze, watch.AnalysisRequest{Target: target, Digest: digest, Again: true, Urgency: watch.NotUrgent})
	if seen := r.pass(target); seen.Newer != "" || !seen.Changed {
		t.Errorf("after it: %+v", seen)
	}
	do[watch.Round](r, r.steps.Deliver, "hook")
	if diff := cmp.Diff([]string{"policy_eval scanner app:1"}, r.received()[len(before):]); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if waits := do[watch.Summarized](r, r.steps.Summarize, watch.SummarizeRequest{}); waits.Told != 1 {
		t.Errorf("the list's change is in no summary: %+v", waits)
	}
	if len(r.analyzer.analyses) != 2 {
		t.Errorf("%d analyses, want 2", len(r.analyzer.analyses))
	}
}
