package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/source"
)

// TypePlanSource is the name of the workflow type PlanSource.
const TypePlanSource = "PlanSource"

// SourceSummary says what FollowSource does.
func SourceSummary(name string) string { return "What source " + name + " brings" }

// SourceState is all that one run of FollowSource hands to the next.
type SourceState struct {
	Name     string
	Last     source.Listing
	At       time.Time
	Failures int
}

// FollowSource reads one source at its interval. It is started, or woken if it runs, when
// the source is added, changed, confirmed or removed, and by Reconcile.
//
// A round reads the source and stores the difference (ReadSource): subscriptions of what
// appeared, and the end of those that two readings in a row lack. Then it wakes the
// WatchTag of tags whose subscriptions changed, and starts those of new ones
// (StartSourceWatches). After a crash the next reading starts what is missing, as the store
// says which watchers were not started. A source that cannot be read is an outcome of a
// reading, not a failed round, and changes nothing.
//
// It ends after a reading that finds that the source does not exist any more.
func FollowSource(ctx workflow.Context, state SourceState) error {
	if err := answers(ctx, func() (SourceState, error) { return state, nil }); err != nil {
		return err
	}
	about := followed{condition.Source, state.Name, SourceSummary(state.Name), state.details, nil}
	if over, err := rounds(ctx, about, state.read); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, FollowSource, state)
}

// read reads the source once.
func (s *SourceState) read(ctx workflow.Context) (outlook, error) {
	listing, err := call(ctx, checking, "read the source", Activities.ReadSource, s.Name)
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = shortListing(listing), workflow.Now(ctx)
	s.Failures++
	if listing.Problem == nil {
		s.Failures = 0
	}
	return outlook{over: !listing.Active, wait: s.pause()}, s.follow(ctx, listing)
}

// pause is the time to wait after a listing: the ordinary interval, shorter while the
// source cannot be read. What waits for a person is not hurried.
func (s *SourceState) pause() time.Duration {
	wait := max(s.Last.List, shortestWait)
	if s.Last.Problem == nil || s.Last.Problem.Stage == condition.StageConfirm {
		return wait
	}
	return min(wait, backoff(s.Failures), longestRetryWait)
}

// follow carries out what a listing decided. All of it is stored by then, so a step
// that is repeated finds less to do.
func (s *SourceState) follow(ctx workflow.Context, listing source.Listing) error {
	if len(listing.Endpoints) > 0 {
		if err := order(ctx, "wake endpoints", Activities.WakeEndpoints, listing.Endpoints); err != nil {
			return err
		}
	}
	if woken := append(listing.Ended, listing.Renewed...); len(woken) > 0 {
		if err := order(ctx, "wake watchers whose subscriptions changed", Activities.WakeTags, woken); err != nil {
			return err
		}
	}
	if !listing.Active {
		return nil
	}
	_, err := call(ctx, bulk, "start watchers of new tags", Activities.StartSourceWatches, s.Name)
	return err
}

// shortListing keeps the counts and drops the long lists.
func shortListing(listing source.Listing) source.Listing {
	listing.Added = listing.Added[:min(len(listing.Added), recentNotifications)]
	listing.Ended = listing.Ended[:min(len(listing.Ended), recentNotifications)]
	listing.Renewed, listing.Endpoints = nil, nil
	return listing
}

func (s *SourceState) details() string {
	if s.At.IsZero() {
		return ""
	}
	headline := fmt.Sprintf("%d tags watched, %d references not followed", s.Last.Tags, s.Last.NotFollowed)
	if s.Last.Problem != nil {
		headline = "Failing: " + problemRow(s.Last.Problem)
	}
	details := fmt.Sprintf("### %s\n\nLast read %s, every %s.\n", headline, shortTime(s.At), s.Last.List)
	for _, target := range s.Last.Added {
		details += "\n- new: " + plain.Code(target.String())
	}
	for _, target := range s.Last.Ended {
		details += "\n- gone: " + plain.Code(target.String())
	}
	return details
}

// PlanSource reports what adding a source, or changing one, would come to, without
// storing anything.
func PlanSource(ctx workflow.Context, asked source.Source) (source.Plan, error) {
	return call(ctx, planning, "read the source", Activities.PlanSource, asked)
}
