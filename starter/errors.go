package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
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

// errAnswered ends a command whose output says already that the answer is no.
var errAnswered = &outcome{exitRefused, errors.New("the answer is no")}

// usage is the error of a command line that makes no sense.
func usage(format string, arguments ...any) error {
	return &outcome{exitUnable, fmt.Errorf(format, arguments...)}
}

// refused is a negative answer with its reason.
func refused(format string, arguments ...any) error {
	return &outcome{exitRefused, fmt.Errorf(format, arguments...)}
}

// unable marks an error as a failure to carry the command out, whatever its
// kind.
func unable(err error) error {
	if err == nil {
		return nil
	}
	return &outcome{exitUnable, err}
}

// unreachable is a Temporal that does not answer.
type unreachable struct {
	address string
	cause   error
}

func (u *unreachable) Error() string { return "connect to Temporal at " + u.address }
func (u *unreachable) Unwrap() error { return u.cause }

// unattended is a request that no worker answered in time.
type unattended struct{ doing string }

func (u *unattended) Error() string { return u.doing + ": no worker answered" }

// interrupted is a wait that a person ended, and what goes on without it.
type interrupted struct{ meanwhile string }

func (i *interrupted) Error() string { return "interrupted; " + i.meanwhile }
func (i *interrupted) Unwrap() error { return context.Canceled }

// several are the failures of a command that tried more than one thing.
type several []error

func (s several) Error() string   { return errors.Join(s...).Error() }
func (s several) Unwrap() []error { return s }

// join is the failures as one error; nil without any.
func join(failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	return several(failures)
}

// answered marks what came back from a worker: a fault of a lasting kind is a
// refusal, everything else a failure.
func answered(err error) error {
	if errkind.Permanent(err) || errors.Is(err, errkind.Conflict) {
		return &outcome{exitRefused, err}
	}
	return err
}

// conclude tells a person what went wrong and returns the exit code. It is the
// only place where errors become sentences.
func conclude(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if all, ok := err.(several); ok {
		mostSevere := exitDone
		for _, each := range all {
			mostSevere = max(mostSevere, conclude(w, each))
		}
		return mostSevere
	}
	if !errors.Is(err, errAnswered) {
		w := &shield{Writer: w}
		for line := range strings.Lines(sentence(err)) {
			fmt.Fprintln(w, "tagwatch: "+strings.TrimSuffix(line, "\n"))
		}
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if known, ok := errors.AsType[*outcome](err); ok {
		return known.code
	}
	return exitUnable
}

// sentence says what happened and, where it is known, what to do.
func sentence(err error) string {
	if temporal, ok := errors.AsType[*unreachable](err); ok {
		return unreachableSentence(temporal)
	}
	if idle, ok := errors.AsType[*unattended](err); ok {
		return fmt.Sprintf("%s: no worker answered; it may be carried out when one does: see that one runs (tagwatch up, or tagwatch-worker with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE)", idle.doing)
	}
	if stopped, ok := errors.AsType[*interrupted](err); ok {
		return stopped.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return errkind.Text(err)
}

func unreachableSentence(u *unreachable) string {
	if is[*serviceerror.PermissionDenied](u.cause) {
		return fmt.Sprintf("Temporal at %s refuses the credentials; see TEMPORAL_API_KEY and TEMPORAL_TLS_...", u.address)
	}
	if missing, ok := errors.AsType[*serviceerror.NamespaceNotFound](u.cause); ok {
		return fmt.Sprintf("Temporal at %s has no namespace %q; create it, or set TEMPORAL_NAMESPACE", u.address, missing.Namespace)
	}
	return fmt.Sprintf("Temporal does not answer at %s; start it with: tagwatch up, or set TEMPORAL_ADDRESS", u.address)
}
