package activities_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// What is known serves until a newer analyzer has checked the image; no resync
// asks for that. What it finds more is notified with the scanner as the cause.
func TestANewerAnalyzerFindsMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.activate("usual", "high")
	digest := r.push("app:1", "zlib 1")
	target := r.settled("app:1")
	do[delivery.Round](r, r.steps.Deliver, "hook")
	before := r.received()

	r.analyzer.version = "analyzer 2"
	r.analyzer.finds(digest, "zlib 1", "openssl 1")
	if seen := r.resync(target); !seen.Analyzed || seen.Changed {
		t.Errorf("before the second check: %+v", seen)
	}
	do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: target, Digest: digest, Force: true, Urgency: analysis.NotUrgent})
	if seen := r.resync(target); !seen.Changed {
		t.Errorf("after it: %+v", seen)
	}
	do[delivery.Round](r, r.steps.Deliver, "hook")
	if diff := cmp.Diff([]string{"policy_eval scanner app:1"}, r.received()[len(before):]); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if waits := do[databuild.Summarized](r, r.steps.Summarize, databuild.SummarizeRequest{}); waits.Notified != 1 {
		t.Errorf("the list's change is in no summary: %+v", waits)
	}
	if len(r.analyzer.analyses) != 2 {
		t.Errorf("%d analyses, want 2", len(r.analyzer.analyses))
	}
}

// An image whose layers the same analyzer knows is not analyzed, and is notified of
// like any other.
func TestTheSameLayersAreAnalyzedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	first, second := r.push("app:1", "openssl 1"), r.push("app:2", "other content of the same layers")
	r.analyzer.layers[first], r.analyzer.layers[second] = "layers", "layers"
	for _, tag := range []string{"app:1", "app:2"} {
		r.settled(tag)
	}
	if diff := cmp.Diff([]image.Digest{second}, r.analyzer.reused); diff != "" {
		t.Errorf("reused (-want +got):\n%s", diff)
	}
	r.expect(0, "analysis_update image app:1", "analysis_update image app:2")

	r.analyzer.version = "analyzer 2"
	do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: r.target("app:2"), Digest: second, Force: true})
	if last := r.analyzer.analyses; last[len(last)-1] != second {
		t.Errorf("another analyzer was content with what the first one found: %v", last)
	}
}
