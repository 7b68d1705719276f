package watch

import (
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
)

// RepositoryDecision is what is to be stored after a listing.
type RepositoryDecision struct {
	State         RepositoryState
	Added         []string // tags to watch from now on, sorted
	Removed       []string // tags that are gone, sorted
	Notifications []event.Notification
	Deliveries    []event.Delivery
	// Subscribe are the subscriptions of the added tags; Ended the targets whose
	// tags are gone.
	Subscribe []event.Subscription
	Ended     []image.Target
}

// DecideListing compares the tags that a repository has now with those that are
// watched. The first listing is silent; afterwards one notification names all
// new tags.
func DecideListing(r Repository, before RepositoryState, tags []string, audience Audience, now time.Time) (RepositoryDecision, error) {
	selected := r.Filter.Select(tags)
	added, removed := DiffTags(before.Tags, selected)
	d := RepositoryDecision{Added: added, Removed: removed,
		State: RepositoryState{Revision: before.Revision, Listed: true, Tags: selected, Checked: now}}
	if len(added)+len(removed) > 0 || !before.Listed {
		d.State.Revision++
	}
	for _, tag := range added {
		d.Subscribe = append(d.Subscribe, r.subscriptions(tag, now)...)
	}
	for _, tag := range removed {
		d.Ended = append(d.Ended, r.target(tag))
	}
	if !before.Listed || len(added) == 0 {
		return d, nil
	}
	err := d.tell(r, audience, now)
	return d, err
}

func (d *RepositoryDecision) tell(r Repository, audience Audience, now time.Time) error {
	id := notificationID(r.Name.String(), string(event.RepoUpdate), fmt.Sprint(d.State.Revision), now.UTC().String())
	n, err := event.New(event.Heading{ID: id, Account: audience.Account, Causes: []event.Cause{event.CauseImage}, Created: now},
		event.TagsFound{Repository: r.Name, New: d.Added, Removed: d.Removed, Tags: len(d.State.Tags)})
	if err != nil {
		return err
	}
	d.Notifications = append(d.Notifications, n)
	d.Deliveries = append(d.Deliveries, Deliveries(n, r.Options, audience, now)...)
	return nil
}

func (r Repository) target(tag string) image.Target {
	return image.Target{Reference: r.Name.Reference(tag), Platform: r.Platform}
}

// subscriptions are those of one tag of the repository.
func (r Repository) subscriptions(tag string, now time.Time) []event.Subscription {
	var list []event.Subscription
	for _, t := range r.Types {
		if !slices.Contains(event.TagTypes, t) {
			continue
		}
		list = append(list, event.Subscription{Target: r.target(tag), Type: t, Active: true, Options: r.Options,
			Repository: r.Name, Created: now, Updated: now})
	}
	return list
}
