package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// RepositoryState is all that one run of WatchRepository hands to the next.
type RepositoryState struct {
	Repository image.Repository
	Last       taglist.Listing
	At         time.Time
	Failures   int
}

// WatchRepository lists the tags of one repository and has new ones watched,
// for as long as the repository is watched.
func WatchRepository(ctx workflow.Context, state RepositoryState) error {
	err := answers(ctx, func() (RepositoryState, error) { return state, nil })
	if err != nil {
		return err
	}
	about := subject{condition.Repository, state.Repository.String(), RepositorySummary(state.Repository), state.details,
		RepositoryLabels(state.Repository)}
	if over, err := rounds(ctx, about, state.check); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, WatchRepository, state)
}

// check lists the tags once.
func (s *RepositoryState) check(ctx workflow.Context) (outlook, error) {
	listing, err := call(ctx, checking, "list tags", Activities.ListTags, s.Repository)
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = brief(listing), workflow.Now(ctx)
	s.Failures++
	if listing.Problem == nil {
		s.Failures = 0
	}
	return outlook{over: !listing.Active, wait: s.pause()}, s.follow(ctx, listing)
}

// pause is the time to wait after a check: the ordinary interval, shorter while
// the registry does not answer.
func (s *RepositoryState) pause() time.Duration {
	wait := max(s.Last.List, shortestWait)
	if s.Last.Problem == nil || permanent(s.Last.Problem) {
		return wait
	}
	return max(min(wait, backoff(s.Failures)), s.Last.RetryAfter)
}

// follow carries out what a listing decided. All of it is stored by then, so a
// step that is repeated finds less to do.
func (s *RepositoryState) follow(ctx workflow.Context, listing taglist.Listing) error {
	if len(listing.Endpoints) > 0 {
		if err := order(ctx, "wake endpoints", Activities.WakeEndpoints, listing.Endpoints); err != nil {
			return err
		}
	}
	if len(listing.Ended) > 0 {
		if err := order(ctx, "wake watchers of removed tags", Activities.WakeTags, listing.Ended); err != nil {
			return err
		}
	}
	if !listing.Active {
		return nil
	}
	_, err := call(ctx, bulk, "start watchers of new tags", Activities.StartWatches, s.Repository)
	return err
}

// brief keeps the counts and drops the long lists.
func brief(listing taglist.Listing) taglist.Listing {
	listing.New = listing.New[:min(len(listing.New), recentNotifications)]
	listing.Removed = listing.Removed[:min(len(listing.Removed), recentNotifications)]
	listing.Namesakes = listing.Namesakes[:min(len(listing.Namesakes), recentNotifications)]
	listing.Ended = nil
	return listing
}

func RepositorySummary(repository image.Repository) string {
	return "New tags of " + repository.String()
}

func (s *RepositoryState) details() string {
	if s.At.IsZero() {
		return ""
	}
	headline := fmt.Sprintf("%d tags watched", s.Last.Tags)
	if s.Last.Problem != nil {
		headline = "Failing: " + problemRow(s.Last.Problem)
	}
	details := fmt.Sprintf("### %s\n\nLast listed %s, every %s.\n", headline, shortTime(s.At), s.Last.List)
	for _, tag := range s.Last.New {
		details += "\n- new: " + plain.Code(tag)
	}
	for _, tag := range s.Last.Removed {
		details += "\n- removed: " + plain.Code(tag)
	}
	for _, each := range s.Last.Namesakes {
		details += "\n- " + plain.Code(each.Target.String()) + " is already subscribed as " + plain.Code(each.As.String())
	}
	return details
}
