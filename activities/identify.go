package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// mostAsked is how many digests one reading of a source asks registries about. What waits for
// others is read again.
const mostAsked = 100

// errUnasked ends a record that depends on what registries were not asked yet.
var errUnasked = errors.New("registries were not asked yet")

// errTooMany stands for the answer to a question that was not asked.
var errTooMany = fmt.Errorf("more than %d unknown digests run at once; the next readings look up the rest: %w", mostAsked, errkind.Unavailable)

// identification is what came of the questions of one reading: nil for an answer.
type identification map[workload.Question]error

// left are the questions that were not asked yet.
func (i identification) left(questions []workload.Question) []workload.Question {
	return slices.DeleteFunc(slices.Clone(questions), func(q workload.Question) bool {
		_, asked := i[q]
		return asked
	})
}

// identify asks registries what digests are, and stores their answers.
func (a *Activities) identify(ctx context.Context, asked identification, questions []workload.Question) error {
	questions = asked.left(questions)
	room := max(0, mostAsked-len(asked))
	for _, each := range questions[min(room, len(questions)):] {
		asked[each] = errTooMany
	}
	var mu sync.Mutex
	forms := workload.Forms{}
	var group errgroup.Group
	group.SetLimit(pollConcurrency)
	for _, each := range questions[:min(room, len(questions))] {
		group.Go(func() error {
			ctx, cancel := withCheckTimeout(ctx)
			defer cancel()
			form, err := a.Registry.Form(ctx, each.Repository, each.Digest)
			mu.Lock()
			defer mu.Unlock()
			if asked[each] = err; err == nil {
				forms[each.Digest] = form
			}
			return nil
		})
	}
	_ = group.Wait() // asked has the errors
	if ctx.Err() != nil || len(forms) == 0 {
		return ctx.Err()
	}
	return a.Store.SaveForms(ctx, forms, a.now())
}

func unidentified(source string) condition.Key {
	return condition.Key{Kind: condition.Unidentified, Resource: condition.Source, Name: source}
}

// failure is why a question of a wait has no answer.
func (i identification) failure(wait workload.Wait) error {
	for _, each := range wait.Ask {
		if err := i[each]; err != nil {
			return err
		}
	}
	return nil
}

// passing reports whether one of the waits may end with another request to its registry.
func (i identification) passing(waiting []workload.Wait) bool {
	return slices.ContainsFunc(waiting, func(w workload.Wait) bool { return !errkind.Permanent(i.failure(w)) })
}

// found is the condition that updates wait; nil if none does.
func (i identification) found(waiting []workload.Wait) *condition.Found {
	if len(waiting) == 0 {
		return nil
	}
	first := waiting[0]
	err := i.failure(first)
	message := fmt.Sprintf("%s runs %s, which may be %s under another digest; its runtime_update waits", first.Key, first.After.Short(), first.Before[0].Short())
	found := &condition.Found{}
	if err != nil {
		message += ": " + errkind.Text(err)
		found.ErrorKind = errkind.Name(err)
	}
	if more := len(waiting) - 1; more > 0 {
		message += fmt.Sprintf("; %d more wait", more)
	}
	found.Message = message
	if i.passing(waiting) {
		found.For = outageFor
	}
	return found
}
