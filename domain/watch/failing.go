package watch

// Failing names what a workflow is about whose steps keep failing, however often they
// are tried: a tag, a registry, a repository, an endpoint, or a task of the whole
// installation.
type Failing struct {
	Kind WatcherKind `json:"kind"`
	Name string      `json:"name"`
	// Problem is what fails; nil once it succeeds again.
	Problem *Problem `json:"problem,omitempty"`
}

// Task is the kind of what is about the whole installation, as the synchronization of
// the vulnerability data.
const Task WatcherKind = "task"

// FailingKinds are all kinds of what may fail.
var FailingKinds = []WatcherKind{TagWatcher, RegistryWatcher, RepositoryWatcher, EndpointWatcher, Task}

// StepTurn is what a note about failing steps comes to.
type StepTurn string

// The turns. Each is announced once.
const (
	StepsFail    StepTurn = "failing"
	StepsRecover StepTurn = "recovered"
	StepsAsEver  StepTurn = ""
)

// DecideFailing compares what was last noted of failing steps with what is known now.
// What goes on failing goes on since it began, whichever step it is now.
func DecideFailing(before, now *Problem) (kept *Problem, turn StepTurn) {
	switch {
	case now == nil && before == nil:
		return nil, StepsAsEver
	case now == nil:
		return nil, StepsRecover
	case before == nil:
		return now, StepsFail
	}
	same := *now
	same.Since = before.Since
	return &same, StepsAsEver
}
