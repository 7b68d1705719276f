package operations

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

const (
	// firstPage is how many tags of a registry are subscribed to at once: a request has to end
	// in less than a minute, however slow the registry is. Twice as many follow what took less
	// than quickPage, up to subscription.MostTargets.
	firstPage = 10
	quickPage = 2 * time.Second
)

// subscribing is one page, or before it is cut all, of the tags of a registry that have the
// same types and options.
type subscribing struct {
	request subscription.Request
	changes []declaration.Change
}

// subscribeAll subscribes to tags in pages, as many as there is time for, and ends the types
// that are no longer declared.
func (d declaring) subscribeAll(ctx context.Context, changes []declaration.Change) error {
	alike, err := d.alike(ctx, changes)
	if err != nil {
		return err
	}
	failed := map[declaration.Key]error{}
	waiting := map[declaration.Key]bool{} // for pages that were not asked for
	var stopped error
	var stoppedAt declaration.Change
	paused := false
	sizes := map[string]int{} // of the next page of a registry
	for _, all := range alike {
		registry := all.request.Targets[0].Reference.Registry
		for len(all.changes) > 0 {
			var p subscribing
			p, all = all.cut(cmp.Or(sizes[registry], firstPage))
			if stopped != nil || paused {
				waits(waiting, p.changes)
				continue
			}
			begun := d.clock()
			results, err := d.subscribe(ctx, p.request)
			if err != nil && !permanent(err) {
				stopped, stoppedAt = err, namedBy(err, p.changes)
				waits(waiting, p.changes)
				continue
			}
			p.failures(failed, results, err)
			sizes[registry] = nextPage(len(p.changes), d.clock().Sub(begun))
			paused = d.late()
		}
	}
	for _, c := range changes {
		err := failed[c.Key]
		if waiting[c.Key] && err == nil {
			continue
		}
		if err == nil && c.Stored != nil {
			err = d.endTypes(ctx, c)
		}
		if err := d.record(ctx, c, err); err != nil {
			return err
		}
	}
	switch {
	case stopped != nil:
		return d.record(ctx, stoppedAt, stopped)
	case paused:
		return errPaused
	}
	return nil
}

// alike are the tags that can be subscribed to by one request, but for their number.
func (d declaring) alike(ctx context.Context, changes []declaration.Change) (all []subscribing, err error) {
	at := map[string]int{}
	for _, c := range changes {
		target, err := d.named(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, request := range requestsFor(c) {
			pin := request.Options.Pin
			request.Options.Pin = ""
			content := target.Reference.Registry + " " + plain(request)
			i, found := at[content]
			if !found {
				request.Pins = map[image.Target]image.Digest{}
				i, at[content] = len(all), len(all)
				all = append(all, subscribing{request: request})
			}
			all[i].request.Targets, all[i].changes = append(all[i].request.Targets, target), append(all[i].changes, c)
			if pin != "" {
				all[i].request.Pins[target] = pin
			}
		}
	}
	return all, nil
}

// cut takes a page off.
func (s subscribing) cut(size int) (page, rest subscribing) {
	size = min(size, len(s.changes))
	page, rest = s, s
	page.changes, rest.changes = s.changes[:size], s.changes[size:]
	page.request.Targets, rest.request.Targets = s.request.Targets[:size], s.request.Targets[size:]
	page.request.Pins = map[image.Target]image.Digest{}
	for _, target := range page.request.Targets {
		if pin, pinned := s.request.Pins[target]; pinned {
			page.request.Pins[target] = pin
		}
	}
	return page, rest
}

// failures notes what was refused: the page as a whole by err, or single tags.
func (s subscribing) failures(failed map[declaration.Key]error, results []subscription.Result, err error) {
	for i, c := range s.changes {
		switch {
		case err != nil:
			failed[c.Key] = err
		case results[i].Refused != nil:
			failed[c.Key] = &Refusal{Kind: errkind.ByName(results[i].Refused.Kind), Text: results[i].Refused.Message}
		}
	}
}

func waits(waiting map[declaration.Key]bool, changes []declaration.Change) {
	for _, c := range changes {
		waiting[c.Key] = true
	}
}

// nextPage is the size of the page after one that took that long.
func nextPage(size int, took time.Duration) int {
	if took >= quickPage {
		return firstPage
	}
	return min(max(2*size, firstPage), subscription.MostTargets)
}

// namedBy is the change whose tag an error about several names; else the first.
func namedBy(err error, changes []declaration.Change) declaration.Change {
	at, longest := changes[0], 0
	for _, c := range changes {
		name := c.Declared.Watched.Target.Reference.String()
		if len(name) > longest && strings.Contains(err.Error(), name) {
			at, longest = c, len(name)
		}
	}
	return at
}

// requestsFor are what a tag's types have to be subscribed to anew with, one request for
// each kind of options.
func requestsFor(c declaration.Change) (requests []subscription.Request) {
	wanted, at := c.Declared.Watched, map[string]int{}
	for _, t := range slices.Sorted(maps.Keys(wanted.Types)) {
		options := wanted.Types[t]
		if c.Stored != nil && (wanted.Poll == 0 || wanted.Poll == c.Stored.Watched.Poll) {
			if before, had := c.Stored.Watched.Types[t]; had && plain(before) == plain(options) {
				continue
			}
		}
		i, found := at[plain(options)]
		if !found {
			i, at[plain(options)] = len(requests), len(requests)
			requests = append(requests, subscription.Request{Options: options, Poll: wanted.Poll})
		}
		requests[i].Types = append(requests[i].Types, t)
	}
	return requests
}

// plain is what two values are compared by.
func plain(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // of nothing that is declared
		return fmt.Sprintf("%#v", value)
	}
	return string(text)
}

// named is the target under the name by which it is watched.
func (d declaring) named(ctx context.Context, c declaration.Change) (image.Target, error) {
	target := c.Declared.Watched.Target
	if c.Stored != nil {
		return c.Stored.Watched.Target, nil
	}
	watched, err := d.Namesakes(ctx, target)
	if err != nil || len(watched) == 0 || slices.Contains(watched, target) {
		return target, err
	}
	return watched[0], nil
}

func (d declaring) endTypes(ctx context.Context, c declaration.Change) error {
	var gone []notification.Type
	for _, t := range slices.Sorted(maps.Keys(c.Stored.Watched.Types)) {
		if _, kept := c.Declared.Watched.Types[t]; !kept {
			gone = append(gone, t)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return d.end(ctx, subscription.End{Target: c.Stored.Watched.Target, Types: gone})
}

// end ends subscriptions, and is content with those that ended meanwhile.
func (d declaring) end(ctx context.Context, ends ...subscription.End) error {
	if err := d.UnsubscribeAll(ctx, ends, d.now); err != nil {
		return err
	}
	for _, each := range ends {
		d.wakeTag(ctx, each.Target)
	}
	return nil
}
