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

// WatchRegistry is the frequent check the tags of one registry: a poll over
// the due ones, one request each, that wakes the watchers of those that moved.
// It is a hint only: a watcher verifies before it acts.
func WatchRegistry(ctx workflow.Context, state RegistryState) error {
	err := answers(ctx, func() (RegistryState, error) { return state, nil })
	if err != nil {
		return err
	}
	about := subject{condition.Registry, state.Registry, RegistrySummary(state.Registry), func() string { return registryDetails(state) },
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
	return fmt.Sprintf("### %s\n\nLast check %s: %d tags, %d of them moved. Next check %s.\n",
		headline, shortTime(state.At), state.Last.Checked, state.Last.Moved, shortTime(state.At.Add(state.Last.Wait)))
}
