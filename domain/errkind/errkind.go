// Package errkind names the kinds of failure that a caller tells apart. Whoever
// meets a failure wraps one of these with %w and says what was attempted;
// whoever handles it asks errors.Is and never compares texts.
package errkind

import (
	"errors"
	"strings"
)

// The kinds. A failure of no kind is taken for a passing one and tried again.
var (
	// NotFound: the thing asked for does not exist: a tag, an image, a policy.
	NotFound = errors.New("not found")
	// Unauthorized: the credentials are missing or refused.
	Unauthorized = errors.New("not authorized")
	// Invalid: the input can never be accepted as it is.
	Invalid = errors.New("invalid")
	// Conflict: the stored state is not the one the caller expected.
	Conflict = errors.New("conflict")
	// Limit: the input exceeds a limit that protects the system.
	Limit = errors.New("limit exceeded")
	// Unavailable: the other side cannot be reached or asks us to wait.
	Unavailable = errors.New("unavailable")
)

var kinds = []struct {
	err  error
	name string
}{
	{NotFound, "NotFound"},
	{Unauthorized, "Unauthorized"},
	{Invalid, "Invalid"},
	{Conflict, "Conflict"},
	{Limit, "Limit"},
	{Unavailable, "Unavailable"},
}

// Name returns the kind's name, which is also the type of the Temporal
// application error that carries it; "" for an error of no kind.
func Name(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return ""
}

// Names are those of all kinds.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// ByName is the inverse of Name; nil for an unknown name.
func ByName(name string) error {
	for _, k := range kinds {
		if k.name == name {
			return k.err
		}
	}
	return nil
}

// Text is the error's text without the name of its kind, which says nothing to a
// person that the rest does not.
func Text(err error) string {
	text := err.Error()
	kind := ByName(Name(err))
	if kind == nil {
		return text
	}
	name := ": " + kind.Error()
	return strings.TrimSuffix(strings.ReplaceAll(text, name+": ", ": "), name)
}

// Permanent reports whether trying the same again cannot help.
func Permanent(err error) bool {
	return errors.Is(err, NotFound) || errors.Is(err, Unauthorized) || errors.Is(err, Invalid) || errors.Is(err, Limit)
}
