package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// problemOf turns a step's error into a problem that users see; one of the same
// kind at the same stage goes on since it began.
func problemOf(ctx workflow.Context, stage condition.Stage, err error, before *condition.Problem) *condition.Problem {
	problem := &condition.Problem{Kind: kindOf(err), Stage: stage, Message: messageOf(err), Since: workflow.Now(ctx)}
	if before != nil && before.Kind == problem.Kind && before.Stage == stage {
		problem.Since = before.Since
	}
	return problem
}

// permanent reports whether the problem is one that trying again cannot help.
func permanent(problem *condition.Problem) bool { return permanentKind(problem.Kind) }

// kindOf is the name of the error kind (package errkind) that an activity's error carries;
// "" for a failure that may pass.
func kindOf(err error) string {
	var application *temporal.ApplicationError
	if errors.As(err, &application) && errkind.ByName(application.Type()) != nil {
		return application.Type()
	}
	return ""
}

// permanentKind reports whether an error kind of that name is one that trying again cannot
// help.
func permanentKind(name string) bool {
	kind := errkind.ByName(name)
	return kind != nil && errkind.Permanent(kind)
}

// messageOf is the text of the innermost cause: what happened, without the
// words that Temporal wraps around it.
func messageOf(err error) string {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return application.Message()
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return "no worker finished the step in time"
	}
	return err.Error()
}

// invalid is the error of a workflow that was started with a wrong argument.
func invalid(format string, arguments ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, arguments...), errkind.Name(errkind.Invalid), nil)
}

// Restore gives an error that came through Temporal its kind of package errkind back, with
// the text of its cause. Other errors are returned as they are.
func Restore(err error) error {
	if err == nil {
		return nil
	}
	if kind := errkind.ByName(kindOf(err)); kind != nil {
		return restored{message: messageOf(err), kind: kind}
	}
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return restored{message: missing.Error(), kind: errkind.NotFound}
	}
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return errors.New(application.Message())
	}
	return err
}

// ErrorOf is the error that a problem was made of.
func ErrorOf(problem *condition.Problem) error {
	if kind := errkind.ByName(problem.Kind); kind != nil {
		return restored{message: problem.Message, kind: kind}
	}
	return errors.New(problem.Message)
}

// restored is an error of a kind whose text says everything already.
type restored struct {
	message string
	kind    error
}

func (r restored) Error() string { return r.message }
func (r restored) Unwrap() error { return r.kind }
