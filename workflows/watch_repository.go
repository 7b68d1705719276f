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

// WatchRepository lists the tags of one watched repository at its interval. It is
// started, or woken if it runs, when the repository's watch is added, changed or removed,
// and by Reconcile.
//
// A round lists the tags and stores the difference (ListTags): subscriptions of new tags,
// the end of removed ones, and one repo_update. Then it wakes the endpoints that have
// something to send, wakes the WatchTag of removed tags, which then end, and starts those
// of new ones (StartWatches). After a crash the next listing starts what is missing, as
// the store says which watchers were not started. A registry that does not respond is an
// outcome of a listing, not a failed round, and changes nothing.
//
// It ends after a listing that finds that the repository is not watched any more.
func WatchRepository(ctx workflow.Context, state RepositoryState) error {
	err := answers(ctx, func() (RepositoryState, error) { return state, nil })
	if err != nil {
		return err
	}
	about := followed{condition.Repository, state.Repository.String(), RepositorySummary(state.Repository), state.details,
		RepositoryLabels(state.Repository)}
	if over, err := rounds(ctx, about, state.check); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, WatchRepository, state)
}

// check is one round.
func (s *RepositoryState) check(ctx workflow.Context) (outlook, error) {
	listing, err := call(ctx, checking, "list the tags", Activities.ListTags, s.Repository)
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

// follow wakes and starts the workflows that a listing concerns. The store holds
// everything by then, so a repeated step finds less to do.
func (s *RepositoryState) follow(ctx workflow.Context, listing taglist.Listing) error {
	if len(listing.Endpoints) > 0 {
		if err := order(ctx, "wake endpoints", Activities.WakeEndpoints, listing.Endpoints); err != nil {
			return err
		}
	}
	if len(listing.Ended) > 0 {
		if err := order(ctx, "wake the workflows of removed tags", Activities.WakeTags, listing.Ended); err != nil {
			return err
		}
	}
	if !listing.Active {
		return nil
	}
	_, err := call(ctx, bulk, "start the workflows of new tags", Activities.StartWatches, s.Repository)
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
	details := fmt.Sprintf("### %s\n\nLast listing %s. Next listing %s.\n", headline, shortTime(s.At), shortTime(s.At.Add(s.pause())))
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
