package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

func TestAnalyzeOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		before   error  // of the first analysis
		upgrade  string // version of the analyzer afterwards, "" for the same
		again    bool
		analyses int
	}{
		{name: "analyzed", analyses: 1},
		{name: "analyzed by an older analyzer", upgrade: "analyzer 2", analyses: 1},
		{name: "asked for again, with the same analyzer", again: true, analyses: 1},
		{name: "asked for again, with a newer analyzer", again: true, upgrade: "analyzer 2", analyses: 2},
		{name: "cannot be analyzed", before: errkind.Invalid, analyses: 1},
		{name: "could not be by an older analyzer", before: errkind.Limit, upgrade: "analyzer 2", analyses: 2},
		{name: "could not be, asked for again", before: errkind.Invalid, again: true, analyses: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			digest := r.push("app:1", "openssl 1")
			if test.before != nil {
				r.analyzer.failures[digest] = test.before
			}
			request := analysis.Request{Target: r.target("app:1"), Digest: digest}
			first := do[analysis.Result](r, r.steps.Analyze, request)
			if (first.Problem != nil) != (test.before != nil) {
				t.Fatalf("first analysis: %+v", first)
			}
			if test.upgrade != "" {
				r.analyzer.version = test.upgrade
			}
			request.Force = test.again
			second := do[analysis.Result](r, r.steps.Analyze, request)
			if len(r.analyzer.analyses) != test.analyses {
				t.Errorf("%d analyses, want %d", len(r.analyzer.analyses), test.analyses)
			}
			if test.before == nil && second.Packages != 1 {
				t.Errorf("second answer: %+v", second)
			}
		})
	}
}

// TestFailuresOfAnAnalysis: what lies in the image is an outcome; everything
// else is tried again or notified to whoever asked.
func TestFailuresOfAnAnalysis(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		failure error
		retried bool
	}{
		{"the registry refuses", fmt.Errorf("pull: %w", errkind.Unauthorized), false},
		{"the image is gone", fmt.Errorf("pull: %w", errkind.NotFound), false},
		{"the registry does not answer", fmt.Errorf("pull: %w", errkind.Unavailable), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			digest := r.push("app:1", "openssl 1")
			r.analyzer.failures[digest] = test.failure
			request := analysis.Request{Target: r.target("app:1"), Digest: digest}
			_, err := try[analysis.Result](r, r.steps.Analyze, request)
			expectFault(t, err, errors.Unwrap(test.failure), test.retried)
			r.expect(0)
			delete(r.analyzer.failures, digest)
			if done := do[analysis.Result](r, r.steps.Analyze, request); done.Problem != nil || done.Packages != 1 {
				t.Errorf("afterwards: %+v", done)
			}
		})
	}
}

// TestWorkerStopsDuringAnAnalysis: whatever the analyzer says then is not the
// image's fault.
func TestWorkerStopsDuringAnAnalysis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	digest := r.push("app:1", "openssl 1")
	r.analyzer.failures[digest] = fmt.Errorf("killed: %w", errkind.Limit)
	ctx, stop := context.WithCancel(t.Context())
	r.analyzer.during = stop
	request := analysis.Request{Target: r.target("app:1"), Digest: digest}
	if _, err := tryWith[analysis.Result](r, ctx, r.steps.Analyze, request); err == nil {
		t.Fatal("an analysis that was stopped has an outcome")
	}
	if _, err := r.store.ImageHeader(t.Context(), digest); !errors.Is(err, errkind.NotFound) {
		t.Errorf("the failure is kept: %v", err)
	}
	r.expect(0)
}

// TestKnownImage: an image that was analyzed for another tag is notified as such.
func TestKnownImage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	r.clock.advance(time.Hour)
	r.must(r.registry.Tag("app:1", "2"))
	r.settled("app:2")
	if len(r.analyzer.analyses) != 1 {
		t.Errorf("%d analyses of one image", len(r.analyzer.analyses))
	}
	r.expect(0, "analysis_update image app:1", "analysis_update image app:2")
}

func TestRequestAnalysis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	request := analysis.Request{Target: r.target("app:1"), Digest: image.Digest(checksum(7))}
	do[any](r, r.steps.RequestAnalysis, request)
	if woken := r.watchers.take(); !slices.Equal(woken, []string{"analysis app:1"}) {
		t.Errorf("woken: %v", woken)
	}
	r.watchers.failure = fmt.Errorf("signal: %w", errkind.Unavailable)
	_, err := try[any](r, r.steps.RequestAnalysis, request)
	expectFault(t, err, errkind.Unavailable, true)
}

// pauseError is that of a registry that asks to wait.
type pauseError struct{ wait time.Duration }

func (pauseError) Error() string               { return "the registry asks to wait" }
func (pauseError) Unwrap() error               { return errkind.Unavailable }
func (e pauseError) RetryAfter() time.Duration { return e.wait }

// TestAnalyzeAtARegistryThatAsksToWait: who asks for the analysis hears of a pause of
// hours now, not after several of them.
func TestAnalyzeAtARegistryThatAsksToWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		wait    time.Duration
		urgency analysis.Urgency
		retried bool
	}{{time.Second, analysis.UrgentFirst, true}, {6 * time.Hour, analysis.UrgentFirst, false}, {2 * time.Minute, analysis.UrgentMoved, false}, {6 * time.Hour, analysis.NotUrgent, true}} {
		r := newRig(t)
		digest := r.push("app:1", "openssl 1")
		r.analyzer.failures[digest] = pauseError{test.wait}
		if test.urgency == analysis.NotUrgent {
			r.lives()
		}
		_, err := try[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: r.target("app:1"), Digest: digest, Urgency: test.urgency})
		expectFault(t, err, errkind.Unavailable, test.retried)
	}
}
