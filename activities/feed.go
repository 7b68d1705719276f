package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Feed keeps generations of vulnerability data on the worker's disk.
type Feed interface {
	// Latest asks the source what its newest data are.
	Latest(ctx context.Context) (vuln.Listing, error)
	// Fetch downloads, verifies and unpacks what a listing names.
	Fetch(ctx context.Context, listing vuln.Listing, report func(string)) (vuln.Generation, error)
	// Import verifies and unpacks an archive from the worker's disk.
	Import(ctx context.Context, file string) (vuln.Generation, error)
	// Ensure fetches a generation by its name where this worker lacks it.
	Ensure(ctx context.Context, generation vuln.Generation) error
	Describe(ctx context.Context, checksum string) (vuln.Description, error)
	// Prune removes all generations but these from the worker's disk; Tidy too,
	// sparing what arrived lately: another step may be about to use it.
	Prune(keep ...string) error
	Tidy(keep ...string) error
}

// feedStore keeps which generation the findings are of.
type feedStore interface {
	Feed(ctx context.Context) (watch.Feed, error)
	NoteFeed(ctx context.Context, checked time.Time, problem *watch.Problem) error
	NoteStale(ctx context.Context, since time.Time) error
	SaveGeneration(ctx context.Context, generation vuln.Description, state watch.GenerationState, reasons []string, now time.Time) error
	// GenerationState is "" for a generation that was never seen.
	GenerationState(ctx context.Context, checksum string) (watch.GenerationState, error)
	// Stage keeps findings until Advance makes them the current ones; Staged are
	// those of the groups that have some.
	Stage(ctx context.Context, generation string, engine vuln.Engine, found map[int64][]vuln.GroupFinding) error
	Staged(ctx context.Context, generation string, engine vuln.Engine, ids []int64) ([]int64, error)
	Advance(ctx context.Context, advance watch.Advance, now time.Time) (watch.Moved, error)
	// Groups are all groups in order of their ids, page by page; GroupRefs has the
	// Refs of the findings of each of them that is matched.
	Groups(ctx context.Context, after int64, limit int) ([]watch.StoredGroup, error)
	GroupRefs(ctx context.Context, ids []int64) (map[int64][]string, error)
	Sums(ctx context.Context, generation string) ([]byte, error)
	SaveSums(ctx context.Context, generation string, sums []byte) error
	AffectedTargets(ctx context.Context, generation, after string, limit int) ([]image.Target, error)
}

// FetchFeed finds the generation to move to, and has it verified and judged.
func (a *Activities) FetchFeed(ctx context.Context, request watch.SyncRequest) (watch.Fetched, error) {
	var doing atomic.Value
	doing.Store("asking for new vulnerability data")
	defer heartbeat(ctx, func() any { return doing.Load() })()
	fetched, err := a.fetch(ctx, request, func(step string) { doing.Store(step) })
	return fetched, classify(err)
}

func (a *Activities) fetch(ctx context.Context, request watch.SyncRequest, report func(string)) (watch.Fetched, error) {
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return watch.Fetched{}, err
	}
	fetched := watch.Fetched{}
	if feed.Current != nil {
		fetched.Current = feed.Current.Checksum
	}
	switch {
	case request.Release && feed.Held == nil:
		return fetched, fmt.Errorf("no generation is held, so there is nothing to release: %w", fault.NotFound)
	case request.Rollback && feed.Previous == nil:
		return fetched, fmt.Errorf("there is no previous generation to go back to: %w", fault.NotFound)
	case request.Release:
		fetched.Generation = &feed.Held.Generation
		return fetched, nil
	case request.Rollback:
		fetched.Generation, fetched.Reject = &feed.Previous.Generation, true
		return fetched, nil
	case request.File != "":
		return a.fetchFile(ctx, request.File, feed, fetched, report)
	}
	return a.fetchNewest(ctx, feed, fetched, report)
}

// fetchFile moves to what a person has brought, also if it was rejected once.
func (a *Activities) fetchFile(ctx context.Context, file string, feed watch.Feed, fetched watch.Fetched, report func(string)) (watch.Fetched, error) {
	report("importing " + file)
	generation, err := a.Feed.Import(ctx, file)
	if err != nil || generation.Checksum == fetched.Current {
		return fetched, err
	}
	return a.judge(ctx, feed, generation, fetched)
}

// fetchNewest moves to the source's newest generation. A worker without a way to
// the source still keeps up with its matcher.
func (a *Activities) fetchNewest(ctx context.Context, feed watch.Feed, fetched watch.Fetched, report func(string)) (watch.Fetched, error) {
	leads, err := a.leads(ctx)
	if err != nil {
		return fetched, err
	}
	listing, err := a.Feed.Latest(ctx)
	if leads && feed.Engine != a.Matcher.Engine() && usable(feed.Current, listing) && ctx.Err() == nil {
		// First with the data that there are: what changes then is the matcher's
		// doing alone. The next synchronization brings new data.
		fetched.Generation, fetched.Rematch = &feed.Current.Generation, true
		return fetched, a.noteFeed(ctx, feed, err)
	}
	var generation vuln.Generation
	if err == nil {
		generation, err = a.newest(ctx, listing, report)
	}
	if ctx.Err() != nil {
		return fetched, ctx.Err()
	}
	if noteErr := a.noteFeed(ctx, feed, err); noteErr != nil {
		return fetched, noteErr
	}
	if generation.Checksum != "" {
		fetched, err = a.judge(ctx, feed, generation, fetched)
	} else if feed.Held != nil {
		fetched.Held = feed.Reasons
		err = errors.Join(err, a.tellHeld(ctx, *feed.Held, feed.Reasons))
	}
	if fetched.Generation == nil {
		err = errors.Join(err, a.tellAge(ctx, feed))
	}
	return fetched, err
}

// usable tells whether this worker's matcher reads the current data: the source
// offers none, or of the same model of the schema.
func usable(current *vuln.Description, offered vuln.Listing) bool {
	if current == nil {
		return false
	}
	model, _, _ := strings.Cut(current.Schema, ".")
	offeredModel, _, _ := strings.Cut(offered.Schema, ".")
	return offeredModel == "" || model == offeredModel
}

// newest has the source's newest generation on disk; it is zero when that is no
// news: current, held or rejected already.
func (a *Activities) newest(ctx context.Context, listing vuln.Listing, report func(string)) (vuln.Generation, error) {
	state, err := a.Store.GenerationState(ctx, listing.Checksum)
	if err != nil || state != "" {
		return vuln.Generation{}, err
	}
	report("fetching vulnerability data built " + listing.Built.UTC().Format(time.RFC3339))
	return a.Feed.Fetch(ctx, listing, report)
}

// judge holds a generation that differs from the current one in a way that a
// person has to look at.
func (a *Activities) judge(ctx context.Context, feed watch.Feed, generation vuln.Generation, fetched watch.Fetched) (watch.Fetched, error) {
	next, err := a.Feed.Describe(ctx, generation.Checksum)
	if err != nil {
		return fetched, err
	}
	var current vuln.Description
	if feed.Current != nil {
		current = *feed.Current
	}
	var reasons []string
	for _, reason := range vuln.Judge(current, next, vuln.DefaultLimits) {
		reasons = append(reasons, reason.Text)
	}
	next.URL = generation.URL
	if len(reasons) == 0 {
		fetched.Generation = &generation
		return fetched, a.Store.SaveGeneration(ctx, next, "", nil, a.now())
	}
	fetched.Held = reasons
	if err := a.Store.SaveGeneration(ctx, next, watch.Held, reasons, a.now()); err != nil {
		return fetched, err
	}
	return fetched, a.tellHeld(ctx, next, reasons)
}

// tellHeld tells the event log of a generation that waits for a person. It is
// called for as long as one waits.
func (a *Activities) tellHeld(ctx context.Context, held vuln.Description, reasons []string) error {
	return a.log(ctx, event.Logged{Event: "system.feeds.sync.held", Level: event.LevelError,
		Message:  "New vulnerability data are held; release them with: tagwatch feed release",
		Details:  map[string]any{"generation": held.Checksum, "reasons": reasons},
		Resource: event.Resource{ID: held.Checksum, Kind: "feeds"}}, since(held.Built))
}

// noteFeed stores whether the source answers, and tells the event log when it
// begins to fail and when it recovers.
func (a *Activities) noteFeed(ctx context.Context, feed watch.Feed, cause error) error {
	if cause == nil {
		if err := a.tellFetched(ctx, feed.Problem); err != nil {
			return err
		}
		return a.Store.NoteFeed(ctx, a.now(), nil)
	}
	failing := problem(watch.StageFetch, cause, feed.Problem, a.now())
	if feed.Problem == nil {
		err := a.log(ctx, event.Logged{Event: "system.feeds.sync.failed", Level: event.LevelError,
			Message: "Vulnerability data cannot be fetched: " + failing.Message, Resource: source}, since(feed.Checked))
		if err != nil {
			return err
		}
	}
	return a.Store.NoteFeed(ctx, time.Time{}, failing)
}

// source is the resource of events about where the data come from.
var source = event.Resource{ID: "vulnerabilities", Kind: "feeds"}

// tellFetched tells the event log that the source has recovered.
func (a *Activities) tellFetched(ctx context.Context, before *watch.Problem) error {
	if before == nil {
		return nil
	}
	return a.log(ctx, event.Logged{Event: "system.feeds.sync.recovered", Level: event.LevelInfo,
		Message: "Vulnerability data can be fetched again", Details: map[string]any{"failing_since": before.Since}, Resource: source}, since(before.Since))
}

// affectedPage is how many affected targets are read at a time: which images are
// affected is found anew for each page.
const affectedPage = 5000

// WakeAffected wakes the watchers whose image a generation touched. The first
// generation of all touches every image: none was matched before.
func (a *Activities) WakeAffected(ctx context.Context, generation string) (int, error) {
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return 0, classify(err)
	}
	if feed.Previous == nil {
		woken, err := a.fanOut(ctx, watch.TargetFilter{}, a.Watchers.DataChanged)
		return woken, classify(err)
	}
	woken, err := a.pages(ctx, func(after string) ([]image.Target, error) {
		return a.Store.AffectedTargets(ctx, generation, after, affectedPage)
	}, a.Watchers.DataChanged)
	return woken, classify(err)
}
