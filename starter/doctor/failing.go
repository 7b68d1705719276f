package doctor

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// failingShown bounds the list of what keeps failing.
const failingShown = 5

// failing lists whose steps keep failing.
func (e *examination) failing(ctx context.Context) {
	const subject = "steps"
	if e.Stored == nil {
		return // notified already
	}
	list, err := e.Stored.Failing(ctx)
	if err != nil {
		e.fail(subject, "check the database", "%s", errkind.Text(err))
		return
	}
	for i, f := range list {
		if i == failingShown {
			e.fail(subject, "list all in the Web UI with the query TagwatchProblem IS NOT NULL AND TagwatchProblem != \"none\", tags also with: tagwatch status --failing",
				"%d more workflows have failing steps", len(list)-i)
			return
		}
		e.fail(subject, "it is retried; see the workers' log and the workflow in the Web UI",
			"step %q of %s %s has been failing since %s: %s", f.Problem.Stage, f.Kind, f.Name, e.When(f.Problem.Since), f.Problem.Message)
	}
	if len(list) == 0 {
		e.ok(subject, "no failing steps")
	}
}
