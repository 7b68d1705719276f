package doctor

import (
	"context"
	"slices"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// failingShown bounds the list of what keeps failing.
const failingShown = 5

// failing lists whose steps keep failing.
func (e *examination) failing(ctx context.Context) {
	const subject = "steps"
	if e.Stored == nil {
		return // reported above
	}
	list, err := e.Stored.Conditions(ctx, condition.Scope{Kinds: condition.StepConditions})
	if e.unread(subject, err) {
		return
	}
	// What is silent has a cause that is listed by itself.
	list = slices.DeleteFunc(list, func(c condition.Condition) bool { return c.Notified.IsZero() })
	for i, f := range list {
		if i == failingShown {
			e.fail(subject, "list all in the Web UI with the query TagwatchProblem IS NOT NULL AND TagwatchProblem != \"none\", tags also with: tagwatch status --failing",
				"%d more workflows have failing steps", len(list)-i)
			return
		}
		e.fail(subject, "it is retried; see the workers' log and the workflow in the Web UI",
			"step %q of %s %s has been failing since %s: %s", f.Step, f.Resource, f.Name, e.When(f.Since), f.Message)
	}
	if len(list) == 0 {
		e.ok(subject, "no failing steps")
	}
}
