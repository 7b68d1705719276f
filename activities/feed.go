package activities

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Feed keeps builds of vulnerability data on the worker's disk.
type Feed interface {
	// Latest asks the source what its newest data are.
	Latest(ctx context.Context) (vuln.Listing, error)
	// Fetch downloads, verifies and unpacks what a listing names.
	Fetch(ctx context.Context, listing vuln.Listing, report func(string)) (vuln.Build, error)
	// Import verifies and unpacks an archive from the worker's disk.
	Import(ctx context.Context, file string) (vuln.Build, error)
	// Ensure fetches a build by its name where this worker lacks it.
	Ensure(ctx context.Context, build vuln.Build) error
	Describe(ctx context.Context, checksum string) (vuln.Description, error)
	// Prune removes all builds but these from the worker's disk; Tidy too,
	// sparing what arrived lately: another step may be about to use it.
	Prune(keep ...string) error
	Tidy(keep ...string) error
}

// feedStore keeps which build the findings are of.
type feedStore interface {
	Feed(ctx context.Context) (databuild.Feed, error)
	NoteFeed(ctx context.Context, checked time.Time, status vuln.Lifecycle) error
	SaveBuild(ctx context.Context, build vuln.Description, state databuild.BuildState, reasons []string, now time.Time) error
	EndHold(ctx context.Context) error
	// SeeBuild keeps what was decided about a build that is still listed.
	SeeBuild(ctx context.Context, checksum string, now time.Time) error
	// BuildState is "" for a build that was never seen.
	BuildState(ctx context.Context, checksum string) (databuild.BuildState, error)
	// Stage keeps findings until Advance makes them the current ones.
	Stage(ctx context.Context, build string, matcher vuln.Matcher, found map[int64][]vuln.GroupFinding) error
	Advance(ctx context.Context, advance databuild.Advance, now time.Time) (databuild.Moved, error)
	// Touched are the groups behind an id that a difference may touch and that are not
	// staged, and the last group that there is; Groups reads them.
	Touched(ctx context.Context, after int64, delta vuln.Delta, build string, matcher vuln.Matcher) (touched []int64, last int64, err error)
	Groups(ctx context.Context, ids []int64) ([]databuild.StoredGroup, error)
	Sums(ctx context.Context, build string) ([]byte, error)
	SaveSums(ctx context.Context, build string, sums []byte) error
}

// FetchFeed finds the build to move to, and has it verified and judged.
func (a *Activities) FetchFeed(ctx context.Context, request databuild.SyncRequest) (databuild.Fetched, error) {
	var doing atomic.Value
	doing.Store("asking for new vulnerability data")
	defer heartbeat(ctx, func() any { return doing.Load() })()
	fetched, err := a.fetch(ctx, request, func(step string) { doing.Store(step) })
	return fetched, classify(err)
}

func (a *Activities) fetch(ctx context.Context, request databuild.SyncRequest, report func(string)) (databuild.Fetched, error) {
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return databuild.Fetched{}, err
	}
	fetched := databuild.Fetched{}
	if feed.Current != nil {
		fetched.Current = feed.Current.Checksum
	}
	switch {
	case request.Release != "" && (feed.Held == nil || feed.Held.Checksum != request.Release):
		return fetched, fmt.Errorf("data build %s is not on hold any more, so it was not released: %w", request.Release, errkind.NotFound)
	case request.Rollback != "" && fetched.Current != request.Rollback:
		return fetched, fmt.Errorf("data build %s is not current any more, so nothing was rolled back: %w", request.Rollback, errkind.NotFound)
	case request.Rollback != "" && feed.Previous == nil:
		return fetched, fmt.Errorf("no data build before %s is available: %w", request.Rollback, errkind.NotFound)
	case request.Release != "":
		fetched.Build = &feed.Held.Build
		if feed.WentBack() {
			fetched.Leave = databuild.Withdrawn
		}
		return fetched, nil
	case request.Rollback != "":
		fetched.Build, fetched.Leave = &feed.Previous.Build, databuild.Rejected
		return fetched, nil
	case request.File != "":
		return a.fetchFile(ctx, request.File, feed, fetched, report)
	}
	return a.fetchNewest(ctx, feed, fetched, report)
}

// fetchFile moves to what a person has brought, also if it was rejected once.
func (a *Activities) fetchFile(ctx context.Context, file string, feed databuild.Feed, fetched databuild.Fetched, report func(string)) (databuild.Fetched, error) {
	report("importing " + file)
	build, err := a.Feed.Import(ctx, file)
	if err != nil || build.Checksum == fetched.Current {
		return fetched, err
	}
	return a.judge(ctx, feed, build, fetched)
}
