package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// passing is how long a step may fail without being noted: that may be the end of an
// outage that is over. It is less than the wait before the second round.
const passing = firstRetry / 2

// conflictPassing is how long conflicts alone may make a step fail: while workers of
// two versions run, those of the older one leave the step to the others.
const conflictPassing = 8 * firstRetry

// health follows whether the rounds of a workflow fail. Each round tries its steps a
// few times only, so that none is tried without end and unseen. A failure is noted in the
// store (FollowConditions) and in the search attribute TagwatchProblem.
type health struct {
	about condition.Resource
	name  string
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

// after notes the outcome of a round: nil if its steps succeeded.
func (h *health) after(ctx workflow.Context, problem *condition.Problem) {
	if problem != nil {
		h.failures++
		found := problem.Wrong()
		found.Kind, found.For = condition.StepFails, passing
		if problem.Kind == errkind.Name(errkind.Conflict) {
			found.For = conflictPassing
		}
		h.note(ctx, found)
		return
	}
	h.failures = 0
	if !h.certain || h.noted {
		h.note(ctx, nil)
	}
}

// delayed notes that an analysis does not come: it was tried several times, or there is
// nobody to try.
func (h *health) delayed(ctx workflow.Context, problem *condition.Problem) {
	found := problem.Wrong()
	found.Kind = condition.Delayed
	h.note(ctx, found)
}

// note stores and shows what is found, or that nothing is wrong. Where that fails, too,
// the next round notes it.
func (h *health) note(ctx workflow.Context, found *condition.Found) {
	if h.noted || found != nil {
		h.show(ctx, found)
	}
	options := quick
	options.Summary = "note whether steps keep failing"
	report := condition.Report{Scope: condition.Scope{Kinds: []condition.Kind{condition.StepFails}, Resource: h.about, Name: h.name}}
	if h.about == condition.Tag {
		report.Kinds = condition.StepConditions
	}
	if found != nil {
		found.Resource, found.Name = h.about, h.name
		report.Found = []condition.Found{*found}
	}
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, options), activityName(Activities.FollowConditions), report).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("condition not noted", "found", found, "error", err)
	}
	h.certain, h.noted = err == nil, found != nil
}

// show sets the search attribute TagwatchProblem. It needs nothing but Temporal.
func (h *health) show(ctx workflow.Context, found *condition.Found) {
	stage := noProblem
	if found != nil {
		stage = found.Step
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeProblem.ValueSet(stage)); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "error", err)
	}
}

// noProblem is the search attribute of what failed and does not any more.
const noProblem = "none"

// watched runs a task of the whole installation, and follows whether its steps fail:
// those that persists names are repeated until they succeed or are refused for good.
func watched[T any](ctx workflow.Context, name string, task func(workflow.Context) (T, error)) (T, error) {
	h := &health{about: condition.Task, name: name}
	result, err := task(workflow.WithValue(ctx, healthKey{}, h))
	if err == nil {
		h.after(ctx, nil)
	}
	return result, err
}

// roundsKey is that of a limit of rounds.
type roundsKey struct{}

// limited has steps given up after a number of rounds.
func limited(ctx workflow.Context, rounds int) workflow.Context {
	return workflow.WithValue(ctx, roundsKey{}, rounds)
}

// persist repeats a step, in rounds of attempts with a wait between them, until it
// succeeds, is refused for good, or has had as many rounds as limited allows. Each failed
// round is noted as a problem, under the step's summary.
func persist(ctx workflow.Context, summary string, try func() error) error {
	most, isLimited := ctx.Value(roundsKey{}).(int)
	for failures := 1; ; failures++ {
		err := try()
		if err == nil || ctx.Err() != nil || permanentKind(kindOf(err)) {
			return err
		}
		if h := healthOf(ctx); h != nil {
			h.after(ctx, problemOf(ctx, condition.Stage(summary), err, nil))
		}
		if isLimited && failures == most {
			return err
		}
		if err := workflow.Sleep(ctx, min(backoff(failures), longestRetryWait)); err != nil {
			return err
		}
	}
}

// persists reports whether a step is one for persist: all those of a task with the
// ordinary number of attempts, as a task has no other round to try them in. FetchFeed has
// fewer attempts: the next scheduled run tries again.
func persists(ctx workflow.Context, options workflow.ActivityOptions) bool {
	h := healthOf(ctx)
	return h != nil && h.about == condition.Task && options.RetryPolicy.MaximumAttempts == attempts
}
