package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// workerStore keeps what the workers that match know of each other.
type workerStore interface {
	SeeEngine(ctx context.Context, matcher vuln.Matcher, now time.Time) error
	Matchers(ctx context.Context) ([]databuild.MatcherSeen, error)
}

// housekeepingInterval is how often a worker that matches checks after itself.
const housekeepingInterval = time.Minute

// Housekeep checks after a worker that matches, until the context ends: the others
// learn that its matcher is at work, and its disk holds no more builds than
// are needed, whoever moves on to new ones. It is no step of a workflow: each
// worker has a disk of its own.
func (a *Activities) Housekeep(ctx context.Context) {
	ticker := time.NewTicker(housekeepingInterval)
	defer ticker.Stop()
	for {
		if err := a.HousekeepOnce(ctx); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "worker not checked after, it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// HousekeepOnce is one round of Tend.
func (a *Activities) HousekeepOnce(ctx context.Context) error {
	if err := a.Store.SeeEngine(ctx, a.Matcher.Version(), a.now()); err != nil {
		return err
	}
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return err
	}
	return a.freeDisk(feed, a.Feed.Tidy)
}

// freeDisk keeps the current and the previous build on disk, and one that is
// held. While there is no current one, nothing is superfluous.
func (a *Activities) freeDisk(feed databuild.Feed, prune func(keep ...string) error) error {
	if feed.Current == nil {
		return nil
	}
	var keep []string
	for _, build := range []*vuln.Description{feed.Current, feed.Previous, feed.Held} {
		if build != nil {
			keep = append(keep, build.Checksum)
		}
	}
	if err := a.Matcher.Release(keep...); err != nil {
		return err
	}
	return prune(keep...)
}

// leads reports whether this worker's matcher is the one whose findings count.
func (a *Activities) leads(ctx context.Context) (bool, error) {
	err := a.lead(ctx)
	if errors.Is(err, errkind.Conflict) {
		return false, nil
	}
	return err == nil, err
}

// lead is errkind.Conflict, which is tried again, while the findings of another
// matcher count: its workers do what is to be done.
func (a *Activities) lead(ctx context.Context) error {
	own := a.Matcher.Version()
	if err := a.Store.SeeEngine(ctx, own, a.now()); err != nil {
		return err
	}
	matchers, err := a.Store.Matchers(ctx)
	if err != nil {
		return err
	}
	if leader := databuild.Lead(matchers, a.now()); leader != own {
		return fmt.Errorf("this worker's matcher is %s, but workers with %s are at work, which is newer here: %w", own, leader, errkind.Conflict)
	}
	return nil
}
