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
	"github.com/tagwatch/tagwatch/starter/output"
)

// The exit codes.
const (
	exitDone    = 0
	exitRefused = 1 // the answer is no, or the command was refused
	exitUnable  = 2 // the command could not be carried out
)

// outcome is an error that knows its exit code.
type outcome struct {
	code int
	err  error
}

func (o *outcome) Error() string { return o.err.Error() }

func (o *outcome) Unwrap() error { return o.err }

// ErrReported is the error of a command whose output says already what is wrong.
var ErrReported = errors.New("reported")

// ErrAnswered ends a command whose output says already that the answer is no.
var ErrAnswered = Reported(exitRefused)

// Reported is an error for the exit code alone; nil if that is exitDone.
func Reported(code int) error {
	if code == exitDone {
		return nil
	}
	return &outcome{code, ErrReported}
}

// Usage is the error of a command line that makes no sense.
func Usage(format string, arguments ...any) error {
	return &outcome{exitUnable, fmt.Errorf(format, arguments...)}
}

// Refused is a negative answer with its reason.
func Refused(format string, arguments ...any) error {
	return &outcome{exitRefused, fmt.Errorf(format, arguments...)}
}

// Unable marks an error as a failure to carry the command out, whatever its
// kind.
func Unable(err error) error {
	if err == nil {
		return nil
	}
	return &outcome{exitUnable, err}
}

// Unreachable is a Temporal that does not answer.
type Unreachable struct {
	Address string
	Cause   error
}

func (u *Unreachable) Error() string { return "connect to Temporal at " + u.Address }

func (u *Unreachable) Unwrap() error { return u.Cause }

// Unattended is a request that no worker answered in time.
type Unattended struct{ Doing string }

func (u *Unattended) Error() string { return u.Doing + ": no worker responded" }

// Interrupted is a wait that a person ended, and what goes on without it.
type Interrupted struct{ Meanwhile string }

func (i *Interrupted) Error() string { return "interrupted; " + i.Meanwhile }

func (i *Interrupted) Unwrap() error { return context.Canceled }

// several are the failures of a command that tried more than one thing.
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

// Answered marks what came back from a worker: a fault of a lasting kind is a
// refusal, everything else a failure.
func Answered(err error) error {
	if errkind.Permanent(err) || errors.Is(err, errkind.Conflict) {
		return &outcome{exitRefused, err}
	}
	return err
}

// Conclude tells a person what went wrong and returns the exit code. It is the
// only place where errors become sentences.
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
	if known, ok := errors.AsType[*outcome](err); ok {
		return known.code
	}
	return exitUnable
}

// Sentence says what happened and, where it is known, what to do.
func Sentence(err error) string {
	if temporal, ok := errors.AsType[*Unreachable](err); ok {
		return unreachableSentence(temporal)
	}
	if idle, ok := errors.AsType[*Unattended](err); ok {
		return fmt.Sprintf("%s: no worker responded; a worker may still complete the request later. Make sure one is running (tagwatch up, or tagwatch-worker with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE)", idle.Doing)
	}
	if stopped, ok := errors.AsType[*Interrupted](err); ok {
		return stopped.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return errkind.Text(err)
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
