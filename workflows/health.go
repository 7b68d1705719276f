package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// notedFrom is how many rounds in a row fail before that is noted: one may be the end
// of an outage that is over.
const notedFrom = 2

// health notes that the rounds of a workflow keep failing, and that they succeed
// again. Each round tries its steps a few times only, so that none is tried without
// end and unseen; what is noted goes another way than the steps themselves.
type health struct {
	kind watch.WatcherKind
	name string
	// failures counts the rounds that failed since the last that did not.
	failures int
	// certain reports that noted is what the store says; a run may follow one that
	// was terminated.
	certain, noted bool
}

type healthKey struct{}

// healthOf is that of the workflow; nil if it has none.
func healthOf(ctx workflow.Context) *health {
	h, _ := ctx.Value(healthKey{}).(*health)
	return h
}

// after takes the outcome of a round: nil if its steps succeeded.
func (h *health) after(ctx workflow.Context, problem *watch.Problem) {
	if problem == nil {
		h.failures = 0
		if !h.certain || h.noted {
			h.note(ctx, nil)
		}
		return
	}
	if h.failures++; h.failures >= notedFrom {
		h.note(ctx, problem)
	}
}

// note stores and shows a problem, or that there is none. Where that fails, too, the
// next round notes it.
func (h *health) note(ctx workflow.Context, problem *watch.Problem) {
	if h.noted || problem != nil {
		h.show(ctx, problem)
	}
	options := quick
	options.Summary = "note whether steps keep failing"
	failing := watch.Failing{Kind: h.kind, Name: h.name, Problem: problem}
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, options), activityName(Activities.NoteFailing), failing).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("failing step not noted", "problem", problem, "error", err)
	}
	h.certain, h.noted = err == nil, problem != nil
}

// show needs nothing but Temporal.
func (h *health) show(ctx workflow.Context, problem *watch.Problem) {
	stage := noProblem
	if problem != nil {
		stage = string(problem.Stage)
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeProblem.ValueSet(stage)); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "error", err)
	}
}

// noProblem is the search attribute of what failed and does not any more.
const noProblem = "none"

// watched runs a task of the whole installation: its steps are tried until they
// succeed, or are refused for good.
func watched[T any](ctx workflow.Context, name string, task func(workflow.Context) (T, error)) (T, error) {
	h := &health{kind: watch.Task, name: name}
	result, err := task(workflow.WithValue(ctx, healthKey{}, h))
	if err == nil {
		h.after(ctx, nil)
	}
	return result, err
}

// persist tries a step in one round after the other until it succeeds or is refused
// for good, and has it noted that it fails.
func persist(ctx workflow.Context, summary string, try func() error) error {
	for failures := 1; ; failures++ {
		err := try()
		if err == nil || ctx.Err() != nil || permanentKind(kindOf(err)) {
			return err
		}
		if h := healthOf(ctx); h != nil {
			h.after(ctx, problemOf(ctx, watch.Stage(summary), err, nil))
		}
		if err := workflow.Sleep(ctx, min(backoff(failures), afterFault)); err != nil {
			return err
		}
	}
}

// persists reports whether the step of a task is tried until it succeeds: there is no
// other round to try it in.
func persists(ctx workflow.Context, options workflow.ActivityOptions) bool {
	h := healthOf(ctx)
	return h != nil && h.kind == watch.Task && options.RetryPolicy.MaximumAttempts == tries
}
