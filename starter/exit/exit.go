// Package exit holds the errors of commands with their exit codes, and turns them
// into sentences.
package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
)

// The exit codes.
const (
	exitDone    = 0
	exitRefused = 1 // negative result, or the command was rejected
	exitUnable  = 2 // the command failed
)

type outcome struct {
	code int
	err  error
}

func (o *outcome) Error() string { return o.err.Error() }

func (o *outcome) Unwrap() error { return o.err }

// ErrReported is the error of a command that has already printed the error.
var ErrReported = errors.New("reported")

// ErrAnswered ends a command that has already printed its negative result.
var ErrAnswered = Reported(exitRefused)

// Reported is an error for the exit code alone; nil if that is exitDone.
func Reported(code int) error {
	if code == exitDone {
		return nil
	}
	return &outcome{code, ErrReported}
}

// Usage is the error of an invalid command line.
func Usage(format string, arguments ...any) error {
	return &outcome{exitUnable, fmt.Errorf(format, arguments...)}
}

// Refused is a negative result with its reason.
func Refused(format string, arguments ...any) error {
	return &outcome{exitRefused, fmt.Errorf(format, arguments...)}
}

// Unable marks an error as a failure of the command, whatever its kind.
func Unable(err error) error {
	if err == nil {
		return nil
	}
	return &outcome{exitUnable, err}
}

// Unreachable is the error of a Temporal that does not respond.
type Unreachable struct {
	Address string
	Cause   error
}

func (u *Unreachable) Error() string { return unreachableSentence(u) }

func (u *Unreachable) Unwrap() error { return u.Cause }

// Unattended is the error of a request without a response from a worker in time.
type Unattended struct{ Doing string }

func (u *Unattended) Error() string {
	return u.Doing + ": no worker responded; a worker may still complete the request later. Make sure one is running (tagwatch up, or tagwatch-worker with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE)"
}

// Interrupted is the error of an interrupted wait, with what continues without it.
type Interrupted struct{ Meanwhile string }

func (i *Interrupted) Error() string { return "interrupted; " + i.Meanwhile }

func (i *Interrupted) Unwrap() error { return context.Canceled }

// several are the failures of a command with several parts.
type several []error

func (s several) Error() string { return errors.Join(s...).Error() }

func (s several) Unwrap() []error { return s }

// Join is the failures as one error; nil without any.
func Join(failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	return several(failures)
}

// Answered marks an error from a worker: one of a permanent kind is a rejection, any other a
// failure.
func Answered(err error) error {
	if errkind.Permanent(err) || errors.Is(err, errkind.Conflict) {
		return &outcome{exitRefused, err}
	}
	return err
}

// Conclude prints an error and returns the exit code. It is the only place where errors
// become sentences.
func Conclude(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if all, ok := err.(several); ok {
		mostSevere := exitDone
		for _, each := range all {
			mostSevere = max(mostSevere, Conclude(w, each))
		}
		return mostSevere
	}
	if !errors.Is(err, ErrReported) {
		w := &output.Shield{Writer: w}
		for line := range strings.Lines(Sentence(err)) {
			fmt.Fprintln(w, "tagwatch: "+strings.TrimSuffix(line, "\n"))
		}
	}
	return Code(err)
}

func Code(err error) int {
	if marked, ok := errors.AsType[*outcome](err); ok {
		return marked.code
	}
	if refused, ok := errors.AsType[*operations.Refusal](err); ok && !errors.Is(refused.Kind, errkind.Invalid) && !errors.Is(refused.Kind, errkind.Unavailable) {
		return exitRefused
	}
	return exitUnable
}

// Sentence says what happened and, if possible, what to do.
func Sentence(err error) string {
	if temporal, ok := errors.AsType[*Unreachable](err); ok {
		return temporal.Error()
	}
	if idle, ok := errors.AsType[*Unattended](err); ok {
		return idle.Error()
	}
	if stopped, ok := errors.AsType[*Interrupted](err); ok {
		return stopped.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := errkind.Text(err)
	if refused, ok := errors.AsType[*operations.Refusal](err); ok && refused.Hint != "" {
		text += "; " + refused.Hint
	}
	if invalid, ok := errors.AsType[*operations.InvalidValue](err); ok {
		text = strings.Replace(text, invalid.Error(), invalid.Text("--"), 1) // options have the names of the fields
	}
	return text
}

func unreachableSentence(u *Unreachable) string {
	if Is[*serviceerror.PermissionDenied](u.Cause) {
		return fmt.Sprintf("Temporal at %s rejected the credentials; check TEMPORAL_API_KEY and TEMPORAL_TLS_...", u.Address)
	}
	if missing, ok := errors.AsType[*serviceerror.NamespaceNotFound](u.Cause); ok {
		return fmt.Sprintf("Temporal at %s has no namespace %q; create it, or set TEMPORAL_NAMESPACE", u.Address, missing.Namespace)
	}
	return fmt.Sprintf("Temporal is not reachable at %s; start it with tagwatch up, or set TEMPORAL_ADDRESS", u.Address)
}

// Is reports whether an error of that type is in the chain.
func Is[T error](err error) bool {
	_, found := errors.AsType[T](err)
	return found
}
