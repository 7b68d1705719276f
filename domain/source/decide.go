package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// View is everything of the store that the record of a listing depends on.
type View struct {
	Source Source
	State  State
	// Watched are the names by which targets are watched already, by their canonical
	// name.
	Watched map[image.Target]image.Target
	// Endpoints are those that exist: a label may name one that does not.
	Endpoints []endpoint.Endpoint
	// Running is what its workloads ran at the last listing, and Images are the images that
	// their digests name, those of the new listing too.
	Running []workload.Row
	Images  workload.Images
	// Forms are what registries said of digests that are not known.
	Forms workload.Forms
	// Elsewhere are the workloads of the new listing that other sources count already, each
	// with the first of their names.
	Elsewhere map[Counted]string
	// PointsTo are the images that watched tags point to.
	PointsTo map[image.Target]image.Digest
	// Subscribed are the subscriptions of these tags to runtime_update.
	Subscribed map[image.Target]subscription.Options
}

// Decision is what is to be stored after a listing.
type Decision struct {
	State State
	// Added are new members, Renewed those whose subscriptions are made anew; Ended are
	// no longer members, and the subscriptions that the source brought end.
	Added, Renewed, Ended []image.Target
	// Subscribe are the subscriptions to make or to renew, by the interval at which
	// their tags are checked.
	Subscribe map[time.Duration][]subscription.Subscription
	// Dropped are single types of members that are no longer requested.
	Dropped []subscription.Subscription
	// Problem is why what is gone is not believed to be; nil if it is.
	Problem *condition.Problem
	// Running is what the workloads run now, and Updates which of them started to run
	// another image.
	Running []workload.Row
	Updates []workload.Update
	// Waiting are those of which registries have to be asked first whether they do.
	Waiting []workload.Wait
	// Notifications, Deliveries and Suppressed follow from the updates.
	Notifications []notification.Notification
	Deliveries    []delivery.Delivery
	Suppressed    map[image.Target][]notification.Suppression
}

const (
	// agreeing is how many listings in a row must lack a tag for it to be gone.
	agreeing = 2
	// doubtFrom is how many members must be gone at once, and more than half of all, for
	// that to wait for a person. If nothing is left it waits however many there were.
	doubtFrom = 10
)

// want is a tag that a listing asks for.
type want struct {
	target  image.Target
	choices Choices
	pin     image.Digest
	// labeled and pinned are the places that the choices and the pin are from.
	labeled, pinned string
	// keep says that it is there and not understood: what is watched stays, nothing
	// begins.
	keep bool
}

// Decide compares what a source lists now with what it brought. What appears is
// subscribed; what two listings in a row lack ends; what a person subscribed is not the
// source's to end. When more is gone at once than is likely, nothing ends until a person
// confirms it.
func Decide(view View, found []Found, version string, now time.Time) (Decision, error) {
	s, before := view.Source, view.State
	found, wanted, order := view.wants(found)
	if most := cmp.Or(s.Most, DefaultMost); len(order) > most {
		return Decision{}, fmt.Errorf("%d tags would be watched, more than %d; list fewer, or raise --max-tags: tagwatch source update %s: %w",
			len(order), most, s.Name, errkind.Limit)
	}
	d := Decision{Subscribe: map[time.Duration][]subscription.Subscription{}, State: State{Revision: before.Revision + 1, Listed: true,
		Found: found, Version: version, Checked: now}}
	members := map[image.Target]Member{}
	var missing []string
	for _, member := range before.Members {
		key := Canonical(member.Target)
		members[key] = member
		if _, listed := wanted[key]; !listed {
			missing = append(missing, key.String())
		}
	}
	believed := d.believe(before, missing, len(order), now)
	for _, member := range before.Members {
		d.old(s, member, wanted, believed, now)
	}
	for _, key := range order {
		w := wanted[key]
		if _, old := members[key]; old || w.keep {
			continue
		}
		target := w.target
		if as, other := view.Watched[key]; other {
			target = as
		}
		d.Added = append(d.Added, target)
		d.subscribe(s, w, target, now)
	}
	if d.Problem == nil { // what was confirmed has ended: nothing waits
		d.State.Doubt, d.State.Confirmed = "", ""
	}
	slices.SortFunc(d.State.Members, func(a, b Member) int { return strings.Compare(a.Target.String(), b.Target.String()) })
	return d, d.follow(view, found)
}

// check refuses what labels ask for and is not there.
func (v View) check(found []Found) []Found {
	checked := slices.Clone(found)
	for i, f := range checked {
		for _, name := range f.Choices.Endpoints {
			if f.Followed() && !slices.ContainsFunc(v.Endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
				checked[i] = f.not(BadLabel, fmt.Sprintf("endpoint %q not found", name))
			}
		}
	}
	return checked
}

// wants are the tags that were found, by their canonical names, these in order, and what
// was found with a note wherever another place decides. Of several places of one tag, the
// first with labels decides, and the first with a digest.
func (v View) wants(found []Found) ([]Found, map[image.Target]want, []image.Target) {
	found = v.check(found)
	wanted := map[image.Target]want{}
	var order []image.Target
	for _, f := range found {
		keep := f.Reason == BadLabel || f.Reason == Nameless
		if !f.Followed() && (!keep || f.Target == image.Target{}) {
			continue
		}
		key := Canonical(f.Target)
		w, again := wanted[key]
		if !again {
			order = append(order, key)
		}
		switch {
		case !again || w.keep && !keep:
			w = want{target: f.Target, choices: f.Choices, pin: f.Pin, labeled: f.Place, pinned: f.Place, keep: keep}
		case !keep:
			if w.choices.Zero() {
				w.choices, w.labeled = f.Choices, f.Place
			}
			if w.pin == "" {
				w.pin, w.pinned = f.Pin, f.Place
			}
		}
		wanted[key] = w
	}
	for i, f := range found {
		if f.Followed() {
			found[i].Note = wanted[Canonical(f.Target)].instead(f)
		}
	}
	return found, wanted, order
}

// instead says which places decide instead of one that asks for something else.
func (w want) instead(f Found) string {
	var notes []string
	f.Choices.Watch = "" // the tag is watched: on that all agree
	decided := w.choices
	decided.Watch = ""
	if !f.Choices.Zero() && !reflect.DeepEqual(f.Choices, decided) {
		notes = append(notes, "the labels at "+w.labeled+" decide")
	}
	if f.Pin != "" && f.Pin != w.pin {
		notes = append(notes, "the digest at "+w.pinned+" decides")
	}
	return strings.Join(notes, "; ")
}

// Canonical is a target under the one name that all its spellings share.
func Canonical(target image.Target) image.Target {
	target.Reference.Repository = target.Reference.Repository.Canonical()
	if target.Platform == image.DefaultPlatform {
		target.Platform = image.Platform{}
	}
	return target
}

// believe reports whether what is missing may end.
func (d *Decision) believe(before State, missing []string, listed int, now time.Time) bool {
	gone, all := len(missing), len(before.Members)
	if gone == 0 || listed > 0 && (gone < doubtFrom || 2*gone <= all) {
		return true
	}
	slices.Sort(missing)
	sum := sha256.Sum256([]byte(strings.Join(missing, "\n")))
	d.State.Doubt = hex.EncodeToString(sum[:8])
	if before.Confirmed == d.State.Doubt {
		return true
	}
	d.State.Confirmed = before.Confirmed
	d.Problem = &condition.Problem{Kind: errkind.Name(errkind.NotFound), Stage: condition.StageConfirm, Since: now, Message: fmt.Sprintf(
		"%d of %d watched tags are gone at once; their watches go on until somebody confirms it", gone, all)}
	return false
}

// old decides of a member.
func (d *Decision) old(s Source, member Member, wanted map[image.Target]want, believed bool, now time.Time) {
	w, listed := wanted[Canonical(member.Target)]
	switch {
	case listed && w.keep:
		member.Missing = 0
	case listed:
		member.Missing = 0
		if settings := s.settings(w); settings != member.Settings {
			d.Renewed = append(d.Renewed, member.Target)
			d.drop(s, w, member.Target)
			d.subscribe(s, w, member.Target, now)
			return
		}
	case believed:
		// Confirmed by a person, the listing before counts as well.
		if member.Missing++; member.Missing >= agreeing || d.State.Doubt != "" {
			d.Ended = append(d.Ended, member.Target)
			return
		}
	}
	d.State.Members = append(d.State.Members, member)
}

// subscribe makes a tag a member.
func (d *Decision) subscribe(s Source, w want, target image.Target, now time.Time) {
	interval := s.interval(w)
	d.Subscribe[interval] = append(d.Subscribe[interval], s.subscriptions(w, target, now)...)
	d.State.Members = append(d.State.Members, Member{Target: target, Settings: s.settings(w)})
}

// drop ends the types that are no longer asked for.
func (d *Decision) drop(s Source, w want, target image.Target) {
	asked := s.subscriptions(w, target, time.Time{})
	for _, t := range notification.TagTypes {
		if !slices.ContainsFunc(asked, func(each subscription.Subscription) bool { return each.Type == t }) {
			d.Dropped = append(d.Dropped, subscription.Subscription{Target: target, Type: t, Source: s.Name})
		}
	}
}
