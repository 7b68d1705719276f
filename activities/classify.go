package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// classify turns an error into what Temporal needs to know: its kind, whether
// trying again can help, and when. Every step returns its error through it.
func classify(err error) error {
	if err == nil {
		return nil
	}
	kind := errkind.Name(err)
	if kind == "" {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(errkind.Text(err), kind, temporal.ApplicationErrorOptions{
		NonRetryable: errkind.Permanent(err), NextRetryDelay: retryAfter(err),
	})
}

// classifyAsked is classify for steps that a person waits for. A registry that
// asks to wait may ask for hours: the person is notified so at once.
func classifyAsked(err error) error {
	if retryAfter(err) == 0 {
		return classify(err)
	}
	return temporal.NewNonRetryableApplicationError(errkind.Text(err), errkind.Name(err), nil)
}

// retryAfter is how long the other side asked to wait; zero if it did not.
func retryAfter(err error) time.Duration {
	var asked interface{ RetryAfter() time.Duration }
	if errors.As(err, &asked) {
		return asked.RetryAfter()
	}
	return 0
}

// notAsked reports that a registry was not asked, for want of a turn.
func notAsked(err error) bool {
	var unasked interface{ NotAsked() bool }
	return errors.As(err, &unasked) && unasked.NotAsked()
}

// repeated reports that the step was begun before, and perhaps done: its answer
// may be all that was lost.
func repeated(ctx context.Context) bool {
	return activity.IsActivity(ctx) && activity.GetInfo(ctx).Attempt > 1
}

// problem turns an error into a problem that users see. One of the same kind at
// the same stage goes on since it began.
func problem(stage condition.Stage, err error, before *condition.Problem, now time.Time) *condition.Problem {
	p := &condition.Problem{Kind: errkind.Name(err), Stage: stage, Message: errkind.Text(err), Since: now}
	if before != nil && before.Kind == p.Kind && before.Stage == stage {
		p.Since = before.Since
	}
	return p
}
