package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// renewalStore keeps which analyzers are at work, and which images they have
// still to check.
type renewalStore interface {
	SeeAnalyzer(ctx context.Context, analyzer string, now time.Time) error
	Analyzers(ctx context.Context) ([]analysis.AnalyzerSeen, error)
	NextOutdated(ctx context.Context, analyzer string, after int64, now time.Time) (analysis.Renewal, error)
	Pointing(ctx context.Context, digest image.Digest) ([]image.Target, error)
	NoteRenewal(ctx context.Context, digest image.Digest, analyzer string, decide func(failures int) (int, time.Time)) error
}

// NextRenewal finds the next image that another analyzer than the leading one
// analyzed. One whose registry does not let it be had now comes with the problem,
// so that no worker waits for it.
func (a *Activities) NextRenewal(ctx context.Context, request analysis.RenewalRequest) (analysis.Renewal, error) {
	leader, err := a.leadingAnalyzer(ctx)
	if err != nil || leader == "" || a.RenewPace <= 0 {
		return analysis.Renewal{}, classify(err)
	}
	if leader != request.Analyzer {
		request.After = 0
	}
	next, err := a.Store.NextOutdated(ctx, leader, request.After, a.now())
	if err != nil || next.Number == 0 {
		return analysis.Renewal{}, classify(err)
	}
	next.Analyzer, next.Pause = leader, time.Hour/time.Duration(a.RenewPace)
	asking, cancel := withCheckTimeout(ctx)
	defer cancel()
	if _, err := a.Registry.Head(asking, next.Target.Reference); err != nil {
		next.Problem = problem(condition.StageResolve, err, nil, a.now())
	}
	return next, classify(ctx.Err())
}

// EndRenewal wakes the tags of an image that was renewed, and remembers one that
// could not be. It reports whether the leading analyzer has checked the image.
func (a *Activities) EndRenewal(ctx context.Context, end analysis.RenewalEnd) (bool, error) {
	defer heartbeat(ctx, func() any { return "waking tags" })()
	stored, err := a.Store.ImageHeader(ctx, end.Digest)
	if errors.Is(err, errkind.NotFound) {
		return false, nil // no tag points to it any more
	}
	if err != nil {
		return false, classify(err)
	}
	if stored.Analyzer == end.Analyzer {
		return stored.Problem == nil, classify(a.wakePointing(ctx, end.Digest))
	}
	if end.Problem == nil {
		return false, nil
	}
	return false, classify(a.Store.NoteRenewal(ctx, end.Digest, end.Analyzer, func(failures int) (int, time.Time) {
		return analysis.NextRenewal(failures, end.Problem, a.now())
	}))
}

func (a *Activities) wakePointing(ctx context.Context, digest image.Digest) error {
	targets, err := a.Store.Pointing(ctx, digest)
	if err != nil {
		return err
	}
	for i, target := range targets {
		if err := a.Watchers.WakeTag(ctx, target, watcher.WakeAnalysis); err != nil {
			return err
		}
		if err := a.room(ctx, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (a *Activities) leadingAnalyzer(ctx context.Context) (string, error) {
	analyzers, err := a.Store.Analyzers(ctx)
	return analysis.LeadAnalyzer(analyzers, a.now()), err
}

// followsError refuses what is for workers with the leading analyzer to do.
type followsError struct{ own, leader string }

func (e followsError) Error() string {
	return fmt.Sprintf("this worker's analyzer is %s, but workers with %s are at work, which is newer here", e.own, e.leader)
}

func (e followsError) Unwrap() error { return errkind.Conflict }

// RetryAfter is short: the next worker to take the step may be one that leads,
// however often it went to others.
func (e followsError) RetryAfter() time.Duration { return 2 * time.Second }

// leadAnalysis is errkind.Conflict, which is tried again, while workers with
// another analyzer lead: they check the known images.
func (a *Activities) leadAnalysis(ctx context.Context) error {
	own := a.Analyzer.Version()
	if err := a.Store.SeeAnalyzer(ctx, own, a.now()); err != nil {
		return err
	}
	leader, err := a.leadingAnalyzer(ctx)
	if err == nil && leader != own {
		err = followsError{own, leader}
	}
	return err
}

// HousekeepAnalyzer tells the others, until the context ends, that this worker's
// analyzer is at work, and calls led each time it begins to lead: there may be
// images to renew. It is no step of a workflow.
func (a *Activities) HousekeepAnalyzer(ctx context.Context, led func(context.Context) error) {
	ticker := time.NewTicker(housekeepingInterval)
	defer ticker.Stop()
	for leading := false; ; {
		now, err := a.HousekeepAnalyzerOnce(ctx, leading, led)
		if err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "analyzer not made known, it is tried again", "error", err)
		}
		leading = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// HousekeepAnalyzerOnce is one round of HousekeepAnalyzer. It is given and returns whether
// this worker's analyzer leads.
func (a *Activities) HousekeepAnalyzerOnce(ctx context.Context, leading bool, led func(context.Context) error) (bool, error) {
	err := a.leadAnalysis(ctx)
	if errors.Is(err, errkind.Conflict) {
		return false, nil
	}
	if err != nil || leading {
		return leading, err
	}
	if err := led(ctx); err != nil {
		return false, err
	}
	return true, nil
}
