package operations

import (
	"errors"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Refusal is an answer that is no: what is asked for does not exist, or not in this way.
type Refusal struct {
	// Kind is one of package errkind.
	Kind error
	// Text says why.
	Text string
	// Hint says what to do about it, for people with the command line; may be empty.
	Hint string
	// Faults are what is wrong in a document, each with its place; may be nil.
	Faults []Fault

	// Cause is what the refusal was made of; may be nil.
	Cause error
}

// Fault is what is wrong in one place of a document.
type Fault struct {
	Place, Text string
}

// Error is the text alone: a hint is for those who can follow it.
func (r *Refusal) Error() string { return r.Text }

// Unwrap returns the kind, and what the refusal was made of.
func (r *Refusal) Unwrap() []error {
	var all []error
	for _, err := range []error{r.Kind, r.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// refused makes a refusal of an error that no repetition helps, and leaves others alone.
func refused(err error) error {
	if err == nil || !errkind.Permanent(err) && !errors.Is(err, errkind.Conflict) {
		return err
	}
	if _, already := errors.AsType[*Refusal](err); already {
		return err
	}
	if _, already := errors.AsType[*InvalidValue](err); already {
		return err
	}
	return &Refusal{Kind: errkind.ByName(errkind.Name(err)), Text: errkind.Text(err), Cause: err}
}

func notFound(hint, format string, arguments ...any) *Refusal {
	return &Refusal{Kind: errkind.NotFound, Text: fmt.Sprintf(format, arguments...), Hint: hint}
}

// InvalidValue refuses the value of one field of a request.
type InvalidValue struct {
	Field    string
	Value    any
	Expected string
}

// Error names the field as the HTTP API does.
func (v *InvalidValue) Error() string { return v.Text("") }

// Text is the error with what a field's name begins with, as -- for an option.
func (v *InvalidValue) Text(prefix string) string {
	value := fmt.Sprint(v.Value)
	if text, isText := v.Value.(string); isText {
		value = fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("invalid value %s for %s%s: expected %s", value, prefix, v.Field, v.Expected)
}

// Unwrap returns the kind.
func (v *InvalidValue) Unwrap() error { return errkind.Invalid }

// oneOf refuses values that are not among those allowed.
func oneOf[T ~string](field string, allowed []T, values ...T) error {
	for _, value := range values {
		known := false
		for _, each := range allowed {
			known = known || each == value
		}
		if !known {
			return &InvalidValue{Field: field, Value: string(value), Expected: "one of " + wording.List(allowed)}
		}
	}
	return nil
}
