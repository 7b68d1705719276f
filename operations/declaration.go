package operations

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// ExportDeclaration is the document that declares all that is stored, without what has
// ended. Its things belong to the owner once it is applied.
func ExportDeclaration(ctx context.Context, s *System, owner string) (declaration.Document, error) {
	if err := s.admit(token.Admin, true); err != nil {
		return declaration.Document{}, err
	}
	if err := declaration.CheckOwner(owner); err != nil {
		return declaration.Document{}, refused(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return declaration.Document{}, err
	}
	stored, err := kept.Things(ctx)
	stored = slices.DeleteFunc(stored, func(t declaration.Thing) bool {
		return t.Acceptance != nil && t.Acceptance.State(s.Now) != acceptance.Active
	})
	return declaration.Export(owner, stored), err
}

// PlanDeclaration reads a document, and says what has to change for it to be stored.
// Nothing is changed.
func PlanDeclaration(ctx context.Context, s *System, files []declaration.File, readBundle func(declaration.Place, string) ([]byte, error), o declaration.Options) (declaration.Plan, error) {
	none := declaration.Plan{}
	if err := s.admit(token.Admin, true); err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	stored, err := kept.Things(ctx)
	if err != nil {
		return none, err
	}
	var endpoints []string
	for _, t := range stored {
		if t.Endpoint != nil {
			endpoints = append(endpoints, t.Name)
		}
	}
	declared, err := declaration.Read(files, readBundle, endpoints)
	if err != nil {
		return none, err
	}
	o.Now = s.Now
	return declaration.NewPlan(declared, stored, o)
}

// ApplyDeclaration makes the changes of a plan. by is who accepts the risks in it. What
// came of each change is handed on as it is made; one that is refused does not stop others,
// but then nothing is deleted. A failure that may pass stops the rest: it is handed on as
// well, and returned. Sources that no worker can read are Faults, before anything is
// changed. Whatever it is interrupted at, a new plan continues from there.
func ApplyDeclaration(ctx context.Context, s *System, plan declaration.Plan, by string, report func(declaration.Change, error)) error {
	if err := s.admit(token.Admin, true); err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return declaring{kept, &asking{System: s}, plan, by, s.Now, report}.run(ctx)
}

// declaredStore is the part of the store that a plan is applied with.
type declaredStore interface {
	Claim(ctx context.Context, owner string, things []declaration.Key, now time.Time) error
	Release(ctx context.Context, owner string, things []declaration.Key, now time.Time) error
	SaveEndpoint(ctx context.Context, e endpoint.Endpoint, now time.Time) error
	DeleteEndpoint(ctx context.Context, name string, now time.Time) error
	SaveBundle(ctx context.Context, b policy.StoredBundle, now time.Time) error
	DeleteBundle(ctx context.Context, id string, now time.Time) error
	Aliases(ctx context.Context, vulnerability string) ([]string, error)
	Accept(ctx context.Context, accepted []acceptance.Acceptance) ([]acceptance.Acceptance, error)
	ExtendAcceptance(ctx context.Context, id int64, until time.Time, by string, now time.Time) (acceptance.Acceptance, error)
	RevokeAcceptance(ctx context.Context, id int64, by string, now time.Time) (acceptance.Acceptance, error)
	SaveRepository(ctx context.Context, repository taglist.Repository, now time.Time) error
	UnwatchTags(ctx context.Context, name image.Repository, now time.Time) ([]image.Target, error)
	DeleteRepository(ctx context.Context, name image.Repository, now time.Time) error
	SaveSource(ctx context.Context, saved source.Source, now time.Time) error
	DeleteSource(ctx context.Context, name string, now time.Time) ([]image.Target, error)
	Namesakes(ctx context.Context, target image.Target) ([]image.Target, error)
	Unsubscribe(ctx context.Context, target image.Target, types []notification.Type, now time.Time) (int, error)
}

var _ declaredStore = (*store.Store)(nil)

// declaredWorkers is what workers do of a plan. Wakes are hints, which may get lost.
type declaredWorkers interface {
	readSource(ctx context.Context, asked source.Source) (source.Plan, error)
	subscribe(ctx context.Context, request subscription.Request) ([]subscription.Result, error)
	activate(ctx context.Context, bundle string) error
	evaluateAcceptances(ctx context.Context) error
	wake(ctx context.Context, doing string, wake func(context.Context, client.Client) error)
}

// asking has the workers do it by way of Temporal.
type asking struct {
	*System
	silent bool // a wake-up failed
}

// evaluationTimeout is how long workers may take to evaluate all tags.
const evaluationTimeout = time.Hour

func (a *asking) subscribe(ctx context.Context, request subscription.Request) (results []subscription.Result, err error) {
	timeout := requestTimeout + time.Duration(len(request.Targets))*tagTimeout
	err = a.ask(ctx, fmt.Sprintf("subscribe to %d tags", len(request.Targets)), timeout, func(ctx context.Context, c client.Client) (err error) {
		results, err = c.Subscribe(ctx, request)
		return err
	})
	return results, refused(err)
}

func (a *asking) activate(ctx context.Context, bundle string) error {
	return a.await(ctx, "activate bundle "+bundle, func(ctx context.Context, c client.Client) (client.Run, error) { return c.ApplyPolicy(ctx, bundle) })
}

func (a *asking) evaluateAcceptances(ctx context.Context) error {
	return a.await(ctx, "evaluate with the stored acceptances", func(ctx context.Context, c client.Client) (client.Run, error) { return c.ApplyAcceptances(ctx) })
}

func (a *asking) await(ctx context.Context, doing string, start func(context.Context, client.Client) (client.Run, error)) error {
	return refused(a.ask(ctx, doing, evaluationTimeout, func(ctx context.Context, c client.Client) error {
		run, err := start(ctx, c)
		if err != nil {
			return err
		}
		return c.Await(ctx, run, nil)
	}))
}

func (a *asking) wake(ctx context.Context, doing string, wake func(context.Context, client.Client) error) {
	// Without the wake-up, the change is noticed at the next resync. A Temporal that does
	// not respond is not waited for again.
	if !a.silent {
		a.silent = a.ask(ctx, doing, signalTimeout, wake) != nil
	}
}

// declaring applies a plan.
type declaring struct {
	declaredStore
	declaredWorkers
	plan   declaration.Plan
	by     string
	now    time.Time
	report func(declaration.Change, error)
}

var errPartly = errors.New("not everything was applied, and nothing was deleted; apply again once that is mended")

func (d declaring) run(ctx context.Context) error {
	if err := d.readSources(ctx); err != nil {
		return err
	}
	if err := d.claim(ctx); err != nil {
		return err
	}
	failed, accepted := false, false
	var unmade []declaration.Key
	each := func(c declaration.Change, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.report(c, err)
		failed = failed || err != nil
		if err != nil && !permanent(err) {
			return err
		}
		if err != nil && c.Action == declaration.Create {
			unmade = append(unmade, c.Key)
		}
		return nil
	}
	var subscribes, deletes []declaration.Change
	for _, c := range d.plan.Changes {
		switch {
		case c.Action == declaration.Delete:
			deletes = append(deletes, c)
		case c.Action == declaration.Unchanged || c.Action == declaration.LeftAlone:
		case c.Kind == declaration.OfSubscription:
			subscribes = append(subscribes, c)
		default:
			accepted = accepted || c.Kind == declaration.OfAcceptance
			if err := each(c, d.save(ctx, c)); err != nil {
				return err
			}
		}
	}
	if err := d.subscribeAll(ctx, subscribes, each); err != nil {
		return err
	}
	if failed {
		deletes = nil
	}
	if len(unmade) > 0 {
		if err := d.Release(ctx, d.plan.Owner, unmade, d.now); err != nil {
			return err
		}
	}
	for _, c := range deletes {
		accepted = accepted || c.Kind == declaration.OfAcceptance
		if err := each(c, d.delete(ctx, c)); err != nil {
			return err
		}
	}
	if accepted {
		if err := d.evaluateAcceptances(ctx); err != nil {
			return err
		}
	}
	if failed {
		return &Refusal{Kind: errkind.Conflict, Text: errPartly.Error()}
	}
	return nil
}

// permanent tells what is wrong with one thing from what ends everything.
func permanent(err error) bool {
	return (errkind.Permanent(err) || errors.Is(err, errkind.Conflict)) && !errors.Is(err, errkind.Unavailable)
}

// readSources has a worker read the sources that are created or changed, before anything
// is changed: one that cannot be read is refused with its place.
func (d declaring) readSources(ctx context.Context) error {
	var faults declaration.Faults
	for _, c := range d.plan.Changes {
		if c.Kind != declaration.OfSource || c.Declared == nil || len(c.Fields) == 0 || c.Action == declaration.LeftAlone {
			continue
		}
		asked := *c.Declared.Source
		asked.Options.Endpoints = nil // which the document may declare itself, and were checked with it
		if _, err := d.readSource(ctx, asked); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !permanent(err) {
				return fmt.Errorf("%s: source %s: %w", c.Place, c.Name, err)
			}
			faults = append(faults, declaration.Fault{Place: *c.Place, Path: "source " + c.Name, Text: errkind.Text(err)})
		}
	}
	if faults != nil {
		return faults
	}
	return nil
}

// claim has all that is created or changed belong to the owner, before any of it is.
func (d declaring) claim(ctx context.Context) error {
	var keys []declaration.Key
	for _, c := range d.plan.Changes {
		if c.Action == declaration.Create || c.Action == declaration.Update || c.Action == declaration.Adopt {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return d.Claim(ctx, d.plan.Owner, keys, d.now)
}

func (d declaring) save(ctx context.Context, c declaration.Change) error {
	if len(c.Fields) == 0 {
		return nil // adopted as it is
	}
	switch c.Kind {
	case declaration.OfEndpoint:
		if err := d.SaveEndpoint(ctx, *c.Declared.Endpoint, d.now); err != nil {
			return err
		}
		d.wakeEndpoint(ctx, c.Name)
	case declaration.OfPolicy:
		return d.saveBundle(ctx, c)
	case declaration.OfAcceptance:
		return d.accept(ctx, c)
	case declaration.OfRepository:
		return d.saveRepository(ctx, c)
	case declaration.OfSource:
		if err := d.SaveSource(ctx, *c.Declared.Source, d.now); err != nil {
			return err
		}
		d.wakeSource(ctx, c.Name)
	}
	return nil
}

func (d declaring) saveBundle(ctx context.Context, c declaration.Change) error {
	b, before := c.Declared.Bundle, declaration.Bundle{}
	if c.Stored != nil {
		before = *c.Stored.Bundle
	}
	if b.Hash != before.Hash {
		if err := d.SaveBundle(ctx, policy.StoredBundle{ID: b.ID, Name: b.Name, Hash: b.Hash, Document: b.Document, Note: "declared by " + d.plan.Owner}, d.now); err != nil {
			return err
		}
	}
	if b.Active || before.Active && !d.anotherActive(b.ID) {
		return d.activate(ctx, b.ID) // or has the new content of the active one evaluated
	}
	return nil
}

// anotherActive reports whether the document declares that another bundle is active.
func (d declaring) anotherActive(id string) bool {
	return slices.ContainsFunc(d.plan.Changes, func(c declaration.Change) bool {
		return c.Declared != nil && c.Declared.Bundle != nil && c.Declared.Bundle.Active && c.Name != id
	})
}

// accept gives an acceptance another end, and makes a new one for another reason or owner.
// Only then the former one is revoked: the risk is accepted all the time.
func (d declaring) accept(ctx context.Context, c declaration.Change) (err error) {
	a := *c.Declared.Acceptance
	var former []int64
	fresh := c.Stored == nil
	if c.Stored != nil {
		before := c.Stored.Acceptance
		former = slices.Clone(c.Stored.Older)
		fresh = before.Reason != a.Reason || before.Owner != a.Owner
		switch {
		case fresh:
			former = append(former, before.ID)
		case !before.Until.Equal(a.Until):
			if _, err := d.ExtendAcceptance(ctx, before.ID, a.Until, d.by, d.now); err != nil {
				return err
			}
		}
	}
	if fresh {
		if a.Aliases, err = d.Aliases(ctx, a.Vulnerability); err != nil {
			return err
		}
		a.By, a.Created = d.by, d.now
		if _, err := d.Accept(ctx, []acceptance.Acceptance{a}); err != nil {
			return err
		}
	}
	for _, id := range former {
		if _, err := d.RevokeAcceptance(ctx, id, d.by, d.now); err != nil {
			return err
		}
	}
	return nil
}

func (d declaring) saveRepository(ctx context.Context, c declaration.Change) error {
	repository := *c.Declared.Repository
	if c.Stored != nil {
		repository.Name = c.Stored.Repository.Name // it may be watched under another of its names
	}
	if err := d.SaveRepository(ctx, repository, d.now); err != nil {
		return err
	}
	d.wakeRepository(ctx, repository.Name)
	return nil
}

// subscribeAll subscribes in pages to what has the same types and options, and ends the
// types that are no longer declared.
func (d declaring) subscribeAll(ctx context.Context, changes []declaration.Change, each func(declaration.Change, error) error) error {
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
			if p == nil || len(p.request.Targets) == subscription.MostTargets {
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
	for _, p := range pages {
		if stopped != nil {
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
	}
	for _, c := range changes {
		if waiting[c.Key] {
			continue
		}
		err := failed[c.Key]
		if err == nil && c.Stored != nil {
			err = d.endTypes(ctx, c)
		}
		if err := each(c, err); err != nil {
			return err
		}
	}
	if stopped != nil {
		return each(stoppedAt, stopped)
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
	return d.end(ctx, c.Stored.Watched.Target, gone)
}

// end ends subscriptions, and is content if they ended meanwhile.
func (d declaring) end(ctx context.Context, target image.Target, types []notification.Type) error {
	if _, err := d.Unsubscribe(ctx, target, types, d.now); err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	d.wakeTag(ctx, target)
	return nil
}

// delete removes a thing. One that was removed meanwhile is as it is to be.
func (d declaring) delete(ctx context.Context, c declaration.Change) error {
	err := error(nil)
	switch c.Kind {
	case declaration.OfEndpoint:
		if err = d.DeleteEndpoint(ctx, c.Name, d.now); err == nil {
			d.wakeEndpoint(ctx, c.Name)
		}
	case declaration.OfPolicy:
		err = d.DeleteBundle(ctx, c.Name, d.now)
	case declaration.OfAcceptance:
		for _, id := range append(slices.Clone(c.Stored.Older), c.Stored.Acceptance.ID) {
			if _, revoked := d.RevokeAcceptance(ctx, id, d.by, d.now); revoked != nil && !errors.Is(revoked, errkind.Conflict) {
				err = cmp.Or(err, revoked)
			}
		}
	case declaration.OfRepository:
		err = d.deleteRepository(ctx, c.Stored.Repository.Name)
	case declaration.OfSource:
		var ended []image.Target
		if ended, err = d.DeleteSource(ctx, c.Name, d.now); err == nil {
			d.wakeSource(ctx, c.Name)
			d.wakeTags(ctx, ended)
		}
	case declaration.OfSubscription:
		err = d.end(ctx, c.Stored.Watched.Target, slices.Sorted(maps.Keys(c.Stored.Watched.Types)))
	}
	if errors.Is(err, errkind.NotFound) {
		return nil
	}
	return err
}

// deleteRepository also ends the subscriptions that the repository brought: nobody
// declares them. These go first, because the repository is what a repetition finds them by.
func (d declaring) deleteRepository(ctx context.Context, name image.Repository) error {
	ended, err := d.UnwatchTags(ctx, name, d.now)
	if err != nil {
		return err
	}
	if err := d.DeleteRepository(ctx, name, d.now); err != nil {
		return err
	}
	d.wakeRepository(ctx, name)
	d.wakeTags(ctx, ended)
	return nil
}

func (d declaring) wakeEndpoint(ctx context.Context, name string) {
	d.wake(ctx, "wake endpoint "+name, func(ctx context.Context, c client.Client) error {
		return c.WakeEndpoint(ctx, name, watcher.WakeSettings)
	})
}

func (d declaring) wakeRepository(ctx context.Context, name image.Repository) {
	d.wake(ctx, "wake repository "+name.String(), func(ctx context.Context, c client.Client) error {
		return c.WakeRepository(ctx, name, watcher.WakeSettings)
	})
}

func (d declaring) wakeSource(ctx context.Context, name string) {
	d.wake(ctx, "wake source "+name, func(ctx context.Context, c client.Client) error {
		return c.WakeSource(ctx, name, watcher.WakeSettings)
	})
}

func (d declaring) wakeTags(ctx context.Context, targets []image.Target) {
	for _, target := range targets[:min(len(targets), wokenEnded)] {
		d.wakeTag(ctx, target)
	}
}

func (d declaring) wakeTag(ctx context.Context, target image.Target) {
	d.wake(ctx, "wake "+target.String(), func(ctx context.Context, c client.Client) error {
		return c.WakeTag(ctx, target, watcher.WakeSubscription)
	})
}
