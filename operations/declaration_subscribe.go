package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// declaredPage is how many tags are subscribed to at once: a request has to end in less than
// a minute, however slow a registry is.
const declaredPage = 10

// subscribeAll subscribes in pages to what has the same types and options, as many as there
// is time for, and ends the types that are no longer declared.
func (d declaring) subscribeAll(ctx context.Context, changes []declaration.Change) error {
	type page struct {
		request subscription.Request
		changes []declaration.Change
	}
	var pages []*page
	open := map[string]*page{}
	failed := map[declaration.Key]error{}
	for _, c := range changes {
		target, err := d.named(ctx, c)
		if err != nil {
			return err
		}
		for _, request := range requestsFor(c) {
			pin := request.Options.Pin
			request.Options.Pin = ""
			content := plain(request)
			p := open[content]
			if p == nil || len(p.request.Targets) == declaredPage {
				request.Pins = map[image.Target]image.Digest{}
				p = &page{request: request}
				open[content], pages = p, append(pages, p)
			}
			p.request.Targets, p.changes = append(p.request.Targets, target), append(p.changes, c)
			if pin != "" {
				p.request.Pins[target] = pin
			}
		}
	}
	waiting := map[declaration.Key]bool{} // for pages that were not asked for
	var stopped error
	var stoppedAt declaration.Change
	paused := false
	for _, p := range pages {
		if stopped != nil || paused {
			for _, c := range p.changes {
				waiting[c.Key] = true
			}
			continue
		}
		results, err := d.subscribe(ctx, p.request)
		if err != nil && !permanent(err) {
			stopped, stoppedAt = err, namedBy(err, p.changes)
			for _, c := range p.changes {
				waiting[c.Key] = true
			}
			continue
		}
		for i, c := range p.changes {
			switch {
			case err != nil:
				failed[c.Key] = err
			case results[i].Refused != nil:
				failed[c.Key] = &Refusal{Kind: errkind.ByName(results[i].Refused.Kind), Text: results[i].Refused.Message}
			}
		}
		paused = d.late()
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
