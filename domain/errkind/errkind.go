// Package errkind names the kinds of errors that callers distinguish. Code that fails
// wraps one of them with %w and says what was attempted; code that handles the error uses
// errors.Is and never compares texts.
package errkind

import (
	"errors"
	"strings"
)

// The kinds. An error without a kind is treated as temporary and retried.
var (
	// NotFound: a tag, an image, a policy or the like does not exist.
	NotFound = errors.New("not found")
	// Unauthorized: the credentials are missing or refused.
	Unauthorized = errors.New("not authorized")
	// Invalid: the input can never be accepted as it is.
	Invalid = errors.New("invalid")
	// Conflict: the stored state is not what the caller expected.
	Conflict = errors.New("conflict")
	// Limit: the input exceeds a limit that protects the system.
	Limit = errors.New("limit exceeded")
	// Unavailable: the other side is unreachable, or requests a pause.
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

// Text is the error's text without the name of its kind, which adds nothing for people.
func Text(err error) string {
	text := err.Error()
	kind := ByName(Name(err))
	if kind == nil {
		return text
	}
	name := ": " + kind.Error()
	return strings.TrimSuffix(strings.ReplaceAll(text, name+": ", ": "), name)
}

// Permanent reports whether a retry cannot help.
func Permanent(err error) bool {
	return errors.Is(err, NotFound) || errors.Is(err, Unauthorized) || errors.Is(err, Invalid) || errors.Is(err, Limit)
}
