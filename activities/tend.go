package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// workerStore keeps what the workers that match know of each other.
type workerStore interface {
	SeeEngine(ctx context.Context, engine vuln.Engine, now time.Time) error
	Engines(ctx context.Context) ([]watch.EngineSeen, error)
}

// tendEvery is how often a worker that matches looks after itself.
const tendEvery = time.Minute

// Tend looks after a worker that matches, until the context ends: the others
// learn that its matcher is at work, and its disk holds no more generations than
// are needed, whoever moves on to new ones. It is no step of a workflow: each
// worker has a disk of its own.
func (a *Activities) Tend(ctx context.Context) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		if err := a.TendOnce(ctx); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "worker not looked after, it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// TendOnce is one round of Tend.
func (a *Activities) TendOnce(ctx context.Context) error {
	if err := a.Store.SeeEngine(ctx, a.Matcher.Engine(), a.now()); err != nil {
		return err
	}
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return err
	}
	return a.freeDisk(feed, a.Feed.Tidy)
}

// freeDisk keeps the current and the previous generation on disk, and one that is
// held. While there is no current one, nothing is superfluous.
func (a *Activities) freeDisk(feed watch.Feed, prune func(keep ...string) error) error {
	if feed.Current == nil {
		return nil
	}
	var keep []string
	for _, generation := range []*vuln.Description{feed.Current, feed.Previous, feed.Held} {
		if generation != nil {
			keep = append(keep, generation.Checksum)
		}
	}
	if err := a.Matcher.Release(keep...); err != nil {
		return err
	}
	return prune(keep...)
}

// leads tells whether this worker's matcher is the one whose findings count.
func (a *Activities) leads(ctx context.Context) (bool, error) {
	err := a.lead(ctx)
	if errors.Is(err, fault.Conflict) {
		return false, nil
	}
	return err == nil, err
}

// lead is fault.Conflict, which is tried again, while the findings of another
// matcher count: its workers do what is to be done.
func (a *Activities) lead(ctx context.Context) error {
	own := a.Matcher.Engine()
	if err := a.Store.SeeEngine(ctx, own, a.now()); err != nil {
		return err
	}
	engines, err := a.Store.Engines(ctx)
	if err != nil {
		return err
	}
	if leader := watch.Lead(engines, a.now()); leader != own {
		return fmt.Errorf("this worker's matcher is %s, but workers with %s are at work, which is newer here: %w", own, leader, fault.Conflict)
	}
	return nil
}
