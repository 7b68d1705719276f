package main

import (
	"context"
	"errors"
	"sync"

	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// mostHosts is how many registries have series of their own: what people
	// subscribe to must not decide how large a page of metrics is.
	mostHosts = 50
	// otherLabel stands for everything else.
	otherLabel = "other"
	// canceledLabel is the outcome of what ended because the worker stops.
	canceledLabel = "Canceled"
)

// labels bounds how many values a label has.
type labels struct {
	most int

	mu   sync.Mutex
	seen map[string]bool
}

// of is the value itself, or other when there are too many already.
func (l *labels) of(value string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[value] {
		return value
	}
	if len(l.seen) >= l.most {
		return otherLabel
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[value] = true
	return value
}

// outcomeOf is a short word for what came of something: ok, the kind of fault, or
// other.
func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	return kindOf(err)
}

// kindOf is the kind of fault of an error, also of one that a step has prepared
// for Temporal.
func kindOf(err error) string {
	if name := errkind.Name(err); name != "" {
		return name
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return knownKind(failed.Type())
	}
	if errors.Is(err, context.Canceled) {
		return canceledLabel
	}
	return otherLabel
}

func knownKind(name string) string {
	if errkind.ByName(name) == nil {
		return otherLabel
	}
	return name
}
