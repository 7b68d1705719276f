package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

const (
	// doubtFrom is how many watched tags must be missing at once, and more than
	// half of all, for a list to be doubted.
	doubtFrom = 20
	// sampled is how many of the missing ones are looked for then.
	sampled = 20
	// lookedFor is how many missing tags are looked for after one listing.
	lookedFor = 5000
)

// errStrange is a list that is not believed before the next one says the same.
var errStrange = errors.New("strange list of tags")

// census lists all tags, and makes sure of those that are watched and missing: a
// list can lag behind, be cut, or come back empty. A tag is gone when the list
// lacks it and the registry says so when it is asked for the tag itself; what no
// check proves gone is not taken for gone.
func (a *Activities) census(ctx context.Context, name image.Repository, state taglist.State) (taglist.Census, error) {
	tags, err := a.tags(ctx, name)
	if err != nil {
		return taglist.Census{}, err
	}
	_, missing := taglist.DiffTags(state.Tags, slices.Sorted(slices.Values(tags)))
	if strange := len(missing) >= doubtFrom && 2*len(missing) > len(state.Tags); strange && !confirming(state.Problem) {
		checks := a.lookFor(ctx, name, missing, sampled)
		if !checks.found {
			return taglist.Census{}, fmt.Errorf("%w: %d of %d watched tags are gone at once; their watches end if the next list says so too: %w",
				errStrange, len(missing), len(state.Tags), errkind.NotFound)
		}
		return taglist.Census{Tags: append(tags, missing...), Partial: true}, ctx.Err()
	}
	checks := a.lookFor(ctx, name, missing, lookedFor)
	unproven := slices.DeleteFunc(missing, func(tag string) bool { return checks.gone[tag] })
	return taglist.Census{Tags: append(tags, unproven...), Partial: checks.found}, ctx.Err()
}

// confirming reports that the list before was a strange one.
func confirming(before *condition.Problem) bool {
	return before != nil && before.Stage == condition.StageConfirm
}

// tags lists all tags; a listing that breaks off says nothing about any.
func (a *Activities) tags(ctx context.Context, name image.Repository) ([]string, error) {
	var all []string
	for page, err := range a.Registry.Tags(ctx, name) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// checks are what came of looking for tags that a list lacks.
type checks struct {
	mu     sync.Mutex
	gone   map[string]bool
	found  bool // one is there: the list is not complete
	silent int  // checks without an answer
}

// lookFor looks for some tags at random, until one of them is there or the
// registry has shown that it does not answer.
func (a *Activities) lookFor(ctx context.Context, name image.Repository, tags []string, most int) *checks {
	l := &checks{gone: map[string]bool{}}
	some := slices.Clone(tags)
	rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	var group errgroup.Group
	group.SetLimit(pollConcurrency)
	for _, tag := range some[:min(len(some), most)] {
		group.Go(func() error {
			if ctx.Err() == nil && !l.over() {
				_, err := a.Registry.Head(ctx, name.Reference(tag))
				l.add(tag, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no check returns an error
	return l
}

func (l *checks) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.found || l.silent >= pollConcurrency
}

func (l *checks) add(tag string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.found = true
	case errors.Is(err, errkind.NotFound):
		l.gone[tag] = true
	default:
		l.silent++
	}
}
