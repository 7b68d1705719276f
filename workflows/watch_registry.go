package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// RegistryState is all that one run of WatchRegistry hands to the next.
type RegistryState struct {
	Registry string
	// Last is the outcome of the last poll, at At.
	Last watch.Poll
	At   time.Time
	// Problem is why polls fail; nil while they do not.
	Problem *watch.Problem
	// Limited counts the polls in a row of which the registry's limit left nothing.
	Limited int
}

const (
	// mostLimited is how many of them pass before the registry counts as failing.
	mostLimited = 3
	// longLimit is a wait that is as long as several polls.
	longLimit = 15 * time.Minute
)

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
	labeled(ctx, RegistryLabels(state.Registry)...)
	about := subject{watch.RegistryWatcher, state.Registry, RegistrySummary(state.Registry), func() string { return registryDetails(state) }}
	if over, err := rounds(ctx, about, state.poll); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, WatchRegistry, state)
}

// poll checks the due tags.
func (s *RegistryState) poll(ctx workflow.Context) (outlook, error) {
	polled, err := call(ctx, polling, "check the due tags", Activities.PollRegistry, s.Registry)
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = polled, workflow.Now(ctx)
	if !polled.Active {
		return outlook{over: true}, nil
	}
	err = s.turn(ctx, s.lasting(polled))
	return outlook{wait: max(polled.Wait, shortestWait), pause: polled.Pause}, err
}

// lasting is the problem of a poll, unless it is a limit that may pass.
func (s *RegistryState) lasting(polled watch.Poll) *watch.Problem {
	if polled.Problem == nil || !polled.Limited {
		s.Limited = 0
		return polled.Problem
	}
	s.Limited++
	if s.Limited < mostLimited && polled.Wait < longLimit {
		return nil
	}
	return polled.Problem
}

// turn tells once that the registry fails as a whole, and once that it recovered:
// that most checks are answered again. One that is about to break down or to come
// back answers now and then.
func (s *RegistryState) turn(ctx workflow.Context, problem *watch.Problem) error {
	before := s.Problem
	switch {
	case before == nil && problem != nil:
		s.Problem = problem
		return order(ctx, "tell that the registry fails", Activities.NotifyRegistry,
			watch.RegistryTurn{Registry: s.Registry, Failing: true, Problem: *problem})
	case before != nil && problem == nil && s.Last.Checked > s.Last.Failed:
		s.Problem = nil
		return order(ctx, "tell that the registry recovered", Activities.NotifyRegistry,
			watch.RegistryTurn{Registry: s.Registry, Problem: *before})
	}
	return nil
}

func RegistrySummary(registry string) string { return "Checks of the tags of " + registry }

func registryDetails(state RegistryState) string {
	if state.At.IsZero() {
		return ""
	}
	headline := fmt.Sprintf("%d tags watched", state.Last.Tags)
	if state.Problem != nil {
		headline = "Failing: " + problemRow(state.Problem)
	}
	return fmt.Sprintf("### %s\n\nLast check %s: %d tags, %d of them moved. Next check %s.\n",
		headline, shortTime(state.At), state.Last.Checked, state.Last.Moved, shortTime(state.At.Add(state.Last.Wait)))
}
