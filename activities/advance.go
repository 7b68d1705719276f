package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// matchBatch is how many groups are read, matched in one call and staged together.
const matchBatch = 200

// AdvanceFeed makes a build current: it matches again the packages that
// the difference may touch, stages their findings, and stores them together with
// the move, in one transaction. Interrupted anywhere, it goes on with what is
// staged and comes to the same.
func (a *Activities) AdvanceFeed(ctx context.Context, request databuild.AdvanceRequest) (databuild.Advanced, error) {
	var matched atomic.Int64
	defer heartbeat(ctx, func() any { return fmt.Sprintf("%d package groups matched", matched.Load()) })()
	advanced, err := a.advance(ctx, request, &matched)
	return advanced, classify(err)
}

func (a *Activities) advance(ctx context.Context, request databuild.AdvanceRequest, matched *atomic.Int64) (databuild.Advanced, error) {
	build := request.Build
	result := databuild.Advanced{Build: build.Checksum}
	if err := a.lead(ctx); err != nil {
		return result, err
	}
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return result, err
	}
	if err := a.Feed.Ensure(ctx, build); err != nil {
		return result, err
	}
	move := databuild.Advance{To: build.Checksum, FromEngine: feed.Matcher, Matcher: a.Matcher.Version(), Leave: request.Leave, By: request.By, Action: request.Action}
	if feed.Current != nil {
		move.From = feed.Current.Checksum
	}
	if move.From == move.To && move.FromEngine == move.Matcher {
		a.settle(ctx)
		return result, nil // done before the step was repeated
	}
	if move.From != request.From && move.From != move.To {
		return databuild.Advanced{Build: move.From, Superseded: true}, nil
	}
	if move.Scores, err = a.Matcher.Scores(ctx, build.Checksum); err != nil {
		return result, err
	}
	delta, err := a.delta(ctx, feed, build)
	if err != nil {
		return result, err
	}
	moved, err := a.rematchAll(ctx, build, delta, move, matched)
	if err != nil {
		return result, err
	}
	result.Groups, result.Changed = moved.Matched, moved.Changed
	a.settle(ctx)
	return result, nil
}

// delta reports what the move may touch. The sums of a build are kept, so
// that only the new one is read.
func (a *Activities) delta(ctx context.Context, feed databuild.Feed, build vuln.Build) (vuln.Delta, error) {
	next, err := a.sums(ctx, build.Checksum)
	if err != nil {
		return vuln.Delta{}, err
	}
	if feed.Current == nil || feed.Matcher != a.Matcher.Version() {
		return vuln.Delta{All: true}, nil
	}
	previous, err := a.sums(ctx, feed.Current.Checksum)
	if errors.Is(err, errkind.NotFound) {
		return vuln.Delta{All: true}, nil // the old data are gone: touch everything
	}
	if err != nil {
		return vuln.Delta{}, err
	}
	return vuln.Changed(previous, next), nil
}

func (a *Activities) sums(ctx context.Context, checksum string) (*vuln.Sums, error) {
	kept, err := a.Store.Sums(ctx, checksum)
	if err == nil {
		sums := &vuln.Sums{}
		return sums, sums.UnmarshalBinary(kept)
	}
	if !errors.Is(err, errkind.NotFound) {
		return nil, err
	}
	sums, err := a.Matcher.Digest(ctx, checksum)
	if err != nil {
		return nil, err
	}
	document, err := sums.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return sums, a.Store.SaveSums(ctx, checksum, document)
}

// rematchAll matches what the move touches until nothing was added meanwhile,
// and moves. Groups that no image was matched with yet are covered too: their
// first findings might be stored, from the old data, before the move.
func (a *Activities) rematchAll(ctx context.Context, build vuln.Build, delta vuln.Delta, move databuild.Advance, matched *atomic.Int64) (databuild.Moved, error) {
	for {
		if err := a.rematchNew(ctx, build, delta, &move, matched); err != nil {
			return databuild.Moved{}, err
		}
		moved, err := a.Store.Advance(audit.As(ctx, move.By), move, a.now())
		if errors.Is(err, errkind.Conflict) && ctx.Err() == nil {
			current, feedErr := a.Store.Feed(ctx)
			if feedErr != nil || overtaken(move, current) {
				return moved, errors.Join(err, feedErr)
			}
			continue
		}
		return moved, err
	}
}

// overtaken reports that the findings are no longer those that the move starts from.
func overtaken(move databuild.Advance, feed databuild.Feed) bool {
	return feed.Matcher != move.FromEngine || feed.Current != nil && feed.Current.Checksum != move.From
}

// rematchNew covers the groups behind the watermark.
func (a *Activities) rematchNew(ctx context.Context, build vuln.Build, delta vuln.Delta, move *databuild.Advance, matched *atomic.Int64) error {
	distributions, err := a.Store.Distributions(ctx)
	if err != nil {
		return err
	}
	if move.Coverage, err = a.Matcher.Coverage(ctx, build.Checksum, distributions); err != nil {
		return err
	}
	for {
		touched, last, err := a.Store.Touched(ctx, move.Watermark, delta, move.To, move.Matcher)
		if err != nil || last == move.Watermark {
			return err
		}
		for ids := range slices.Chunk(touched, matchBatch) {
			batch, err := a.Store.Groups(ctx, ids)
			if err != nil {
				return err
			}
			if err := a.rematch(ctx, build, batch); err != nil {
				return err
			}
			matched.Add(int64(len(batch)))
		}
		move.Watermark = last
	}
}

// rematch stages the findings of some groups. A group that cannot be matched
// keeps what it has: one broken package must not hold the data back for all
// others.
func (a *Activities) rematch(ctx context.Context, build vuln.Build, batch []databuild.StoredGroup) error {
	found, failures, err := a.find(ctx, build, batch)
	if err != nil {
		return err
	}
	for _, failure := range failures {
		a.Log.WarnContext(ctx, "package not matched again, its findings stay", "group", failure.Fingerprint, "error", failure.Err)
	}
	if err := a.keepUncovered(ctx, build, batch, found); err != nil {
		return err
	}
	return a.Store.Stage(ctx, build.Checksum, a.Matcher.Version(), found)
}

// keepUncovered adds to what was found of packages about whose distribution the
// build has nothing what is known of them so far: data that a publisher
// drops fixes nothing.
func (a *Activities) keepUncovered(ctx context.Context, build vuln.Build, batch []databuild.StoredGroup, found map[int64][]vuln.GroupFinding) error {
	dataless, err := a.Matcher.Dataless(ctx, build.Checksum, groupsOf(batch))
	if err != nil {
		return err
	}
	var ids []int64
	for i, group := range batch {
		if _, matched := found[group.ID]; matched && dataless[i] {
			ids = append(ids, group.ID)
		}
	}
	known, err := a.Store.CurrentFindings(ctx, ids)
	for _, id := range ids {
		found[id] = vuln.KeepUncovered(known[id], found[id])
	}
	return err
}

// settle follows a move: it reports what the move means for what is wrong with the
// data, and frees the disk of older ones. The move is made whatever comes of it, and
// both happen with the next synchronization, too.
func (a *Activities) settle(ctx context.Context) {
	feed, err := a.Store.Feed(ctx)
	if err == nil {
		err = errors.Join(a.followData(ctx, feed), a.freeDisk(feed, a.Feed.Prune))
	}
	if err != nil {
		a.Log.WarnContext(ctx, "conditions of the data not recorded or disk not freed; will retry with the next synchronization", "error", err)
	}
}
