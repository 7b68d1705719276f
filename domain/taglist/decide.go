package taglist

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Census is what was found out about the tags that a repository has.
type Census struct {
	Tags []string
	// Partial reports that the list lacks tags that are there.
	Partial bool
}

// Decision is what is to be stored after a listing. Its lists of tags
// are sorted.
type Decision struct {
	State State
	// Added are new tags, to watch from now on; Joined are tags that were there
	// before and are selected only now, which is no news.
	Added, Joined []string
	// Removed are watched tags that are gone; Left are those that are no longer
	// selected.
	Removed, Left []string
	Notifications []notification.Notification
	Deliveries    []delivery.Delivery
	// Suppressed is what is not notified, and why; without a notification it is not
	// empty.
	Suppressed []notification.Suppression
	// Subscribe are the subscriptions to make or to renew.
	Subscribe []subscription.Subscription
	// Namesakes are those of the selected targets that are watched under other names.
	Namesakes []Namesake
	// Ended are targets whose watch ends, Archived those of them of which the state
	// is kept. Dropped are single subscriptions that end.
	Ended, Archived []image.Target
	Dropped         []subscription.Subscription
}

// Stale reports that the watches were made with other settings than those that
// apply now.
func (v View) Stale() bool {
	return v.State.Listed && v.State.Applied != v.Repository.Settings()
}

// Decide compares the tags that a repository has now with those that are
// watched. The first listing is silent; afterwards one notification names all
// new tags. New is what the repository did not have before: a tag that was there
// and is selected only because the filter changed, or others went, is not.
func Decide(view View, census Census, audience subscription.Audience, now time.Time) (Decision, error) {
	r, before := view.Repository, view.State
	selected, err := r.selected(census.Tags)
	if err != nil {
		return Decision{}, err
	}
	listed := slices.Compact(slices.Sorted(slices.Values(census.Tags)))
	d := Decision{State: State{Revision: before.Revision, Listed: true, Tags: selected,
		ListedTags: listedTags(before, listed, census.Partial), Applied: r.Settings(), Checked: now}}
	d.compare(before, listed)
	d.Namesakes = view.namesakes(selected)
	d.watches(view, now)
	if len(d.Added)+len(d.Joined)+len(d.Removed)+len(d.Left) > 0 || !before.Listed {
		d.State.Revision++
	}
	if d.suppress(before, listed); !before.Listed || len(d.Added) == 0 {
		return d, nil
	}
	err = d.tell(r, audience, now)
	return d, err
}

// suppress says of which tags no notification tells.
func (d *Decision) suppress(before State, listed []string) {
	if !before.Listed {
		d.Suppressed = []notification.Suppression{notification.Suppress(notification.RepoUpdate, notification.FirstObservation)}
		return
	}
	gone := d.Removed
	if len(d.Added) > 0 {
		gone = nil // the notification names them
	}
	for _, each := range []struct {
		reason notification.Reason
		tags   []string
	}{
		{notification.TagGone, gone},
		{notification.TagKnown, d.Joined},
		{notification.NotSelected, slices.Concat(d.Left, without(without(listed, before.ListedTags), d.State.Tags))},
	} {
		if len(each.tags) > 0 {
			d.Suppressed = append(d.Suppressed, notification.Suppress(notification.RepoUpdate, each.reason, each.tags...))
		}
	}
	if len(d.Added)+len(d.Suppressed) == 0 {
		d.Suppressed = []notification.Suppression{notification.Suppress(notification.RepoUpdate, notification.Unchanged)}
	}
}

func (r Repository) selected(tags []string) ([]string, error) {
	selected, err := r.Filter.Select(tags)
	if err != nil {
		return nil, err
	}
	most := cmp.Or(r.Most, DefaultMost)
	if len(selected) > most {
		return nil, fmt.Errorf("%d tags would be watched, more than %d; select fewer, or raise --max-tags: tagwatch repository update %s: %w",
			len(selected), most, r.Name, errkind.Limit)
	}
	return selected, nil
}

// listedTags are the tags that are not new from now on.
func listedTags(before State, listed []string, partial bool) []string {
	if !partial {
		return listed
	}
	all := slices.Concat(listed, before.ListedTags)
	slices.Sort(all)
	return slices.Compact(all)
}

// compare sorts what changed by what it means.
func (d *Decision) compare(before State, listed []string) {
	entered, ended := DiffTags(before.Tags, d.State.Tags)
	d.Added = without(entered, before.ListedTags)
	d.Joined = without(entered, d.Added)
	d.Removed = without(ended, listed)
	d.Left = without(ended, d.Removed)
}

// watches lists the subscriptions that begin, change and end.
func (d *Decision) watches(view View, now time.Time) {
	for _, tag := range slices.Concat(d.Added, d.Joined) {
		d.Subscribe = append(d.Subscribe, view.subscriptions(tag, now)...)
	}
	if view.Stale() {
		d.renew(view, now)
		return
	}
	for _, tag := range d.Removed {
		d.Ended = append(d.Ended, view.targets(tag)...)
	}
	for _, tag := range d.Left {
		d.Archived = append(d.Archived, view.targets(tag)...)
	}
	d.Ended = append(d.Ended, d.Archived...)
}

// renew brings the subscriptions that were made with other settings up to date.
// A tag of which none is left was unsubscribed by a person, and stays so.
func (d *Decision) renew(view View, now time.Time) {
	renewed := map[string]bool{}
	for _, sub := range view.Brought {
		target, tag := sub.Target, sub.Target.Reference.Tag
		_, stays := slices.BinarySearch(d.State.Tags, tag)
		_, gone := slices.BinarySearch(d.Removed, tag)
		switch {
		case gone:
			d.Ended = append(d.Ended, target)
		case !stays || !slices.Contains(view.targets(tag), target):
			d.Archived = append(d.Archived, target)
		case !slices.Contains(view.Repository.Types, sub.Type):
			d.Dropped = append(d.Dropped, sub)
		}
		if stays && !renewed[tag] {
			renewed[tag] = true
			d.Subscribe = append(d.Subscribe, view.subscriptions(tag, now)...)
		}
	}
	d.Ended, d.Archived = slices.Compact(d.Ended), slices.Compact(d.Archived) // they come by target
	d.Ended = append(d.Ended, d.Archived...)
}

func (d *Decision) tell(r Repository, audience subscription.Audience, now time.Time) error {
	id := notification.ID(r.Name.String(), string(notification.RepoUpdate), fmt.Sprint(d.State.Revision), now.UTC().String())
	heading := notification.Heading{ID: id, Account: audience.Account, Causes: []notification.Cause{notification.CauseImage}, Created: now, Trace: audience.Trace}
	found := notification.TagsFound{Repository: r.Name, New: d.Added, Removed: d.Removed, Tags: len(d.State.Tags)}
	receiver := subscription.NewReceiver(filter.Notification{Type: notification.RepoUpdate, Causes: heading.Causes, Registry: r.Name.Registry, Repository: r.Name.Path}, r.Options)
	content := receiver.Content(found)
	if d.Suppressed = append(d.Suppressed, receiver.Suppressed(notification.RepoUpdate)...); content == nil {
		return nil
	}
	n, err := notification.New(heading, content)
	if err != nil {
		return err
	}
	d.Notifications = append(d.Notifications, n)
	deliveries, suppressed, err := audience.Deliveries(n, heading, found, receiver, r.Options)
	d.Deliveries, d.Suppressed = append(d.Deliveries, deliveries...), append(d.Suppressed, suppressed...)
	return err
}

// subscriptions are those of one tag of the repository.
func (v View) subscriptions(tag string, now time.Time) []subscription.Subscription {
	r := v.Repository
	var list []subscription.Subscription
	for _, target := range v.targets(tag) {
		for _, t := range r.Types {
			if !slices.Contains(notification.TagTypes, t) {
				continue
			}
			list = append(list, subscription.Subscription{Target: target, Type: t, Active: true, Options: r.Options,
				Repository: r.Name, Created: now, Updated: now})
		}
	}
	return list
}
