package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/polling"
)

// RegistryState is all that one run of WatchRegistry hands to the next.
type RegistryState struct {
	Registry string
	// Last is the outcome of the last poll, at At.
	Last polling.Poll
	At   time.Time
}

// shortestWait keeps a poll from following another at once.
const shortestWait = time.Second

// WatchRegistry checks the tags of one registry at their intervals. It is started, or
// woken if it runs, by whatever subscribes to a tag of the registry, and by Reconcile.
//
// A poll (PollRegistry) asks for the digest of each due tag with one request, stores what
// it saw page by page, and wakes the WatchTag of each tag that moved. It says when the
// next tag is due, and the shortest pause until then, which only a person and a push of
// the registry may shorten. A registry that does not respond is an outcome of a poll, not
// a failed round. A poll that a crash ended is repeated, and begins with the tags that
// were not checked yet.
//
// It ends after a poll that finds no watched tag at the registry. It never records a
// tag's move or creates its notifications: WatchTag checks the tag again and does.
func WatchRegistry(ctx workflow.Context, state RegistryState) error {
	err := answers(ctx, func() (RegistryState, error) { return state, nil })
	if err != nil {
		return err
	}
	about := followed{condition.Registry, state.Registry, RegistrySummary(state.Registry), func() string { return registryDetails(state) },
		RegistryLabels(state.Registry)}
	if over, err := rounds(ctx, about, state.poll); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, WatchRegistry, state)
}

// poll checks the due tags.
func (s *RegistryState) poll(ctx workflow.Context) (outlook, error) {
	polled, err := call(ctx, checking, "check the due tags", Activities.PollRegistry, s.Registry)
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = polled, workflow.Now(ctx)
	if !polled.Active {
		return outlook{over: true}, nil
	}
	return outlook{wait: max(polled.Wait, shortestWait), pause: polled.Pause}, nil
}

func RegistrySummary(registry string) string { return "Checks of the tags of " + registry }

func registryDetails(state RegistryState) string {
	if state.At.IsZero() {
		return ""
	}
	headline := fmt.Sprintf("%d tags watched", state.Last.Tags)
	if problem := state.Last.Unreachable; problem != nil {
		headline = "Failing: " + problemRow(problem)
	}
	return fmt.Sprintf("### %s\n\nLast poll %s: %d due tags checked, %d of them had moved. Next poll %s.\n",
		headline, shortTime(state.At), state.Last.Checked, state.Last.Moved, shortTime(state.At.Add(state.Last.Wait)))
}
