package source

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Announce makes notifications of the updates of workloads, for those who subscribed to
// runtime_update of their tags.
func (d *Decision) Announce(view View, audience subscription.Audience) error {
	d.Suppressed = map[image.Target][]notification.Suppression{}
	for _, update := range d.Updates {
		options := d.subscribed(view, update.Target)
		if options == nil {
			d.suppress(update.Target, notification.Suppress(notification.RuntimeUpdate, notification.NotSubscribed))
			continue
		}
		if err := d.announce(update, *options, audience, d.State.Checked); err != nil {
			return err
		}
	}
	return nil
}

// subscribed are the options of the subscription, which may begin with this listing; nil
// if there is none.
func (d *Decision) subscribed(view View, target image.Target) *subscription.Options {
	for _, begun := range d.Subscribe {
		for _, s := range begun {
			if s.Target == target && s.Type == notification.RuntimeUpdate {
				return &s.Options
			}
		}
	}
	if options, found := view.Subscribed[target]; found && !slices.Contains(d.Ended, target) {
		return &options
	}
	return nil
}

func (d *Decision) announce(update workload.Update, options subscription.Options, audience subscription.Audience, now time.Time) error {
	causes := []notification.Cause{notification.CauseImage}
	if !options.Wants(notification.CauseImage) {
		d.suppress(update.Target, notification.Suppress(notification.RuntimeUpdate, notification.OtherCause))
		return nil
	}
	reference := update.Target.Reference
	receiver := subscription.NewReceiver(filter.Notification{Type: notification.RuntimeUpdate, Causes: causes, Registry: reference.Registry, Repository: reference.Path,
		Tag: reference.Tag, Platform: update.Target.Platform.String(), Workloads: []workload.Key{update.Key}}, options)
	whole := notification.RuntimeChanged{Target: update.Target, Update: update}
	content := receiver.Content(whole)
	d.suppress(update.Target, receiver.Suppressed(notification.RuntimeUpdate)...)
	if content == nil {
		return nil
	}
	id := notification.ID(update.Target.String(), string(notification.RuntimeUpdate), update.Source, update.Key.String(), string(update.After), now.UTC().String())
	heading := notification.Heading{ID: id, Account: audience.Account, Causes: causes, Created: now, Trace: audience.Trace}
	n, err := notification.New(heading, content)
	if err != nil {
		return err
	}
	d.Notifications = append(d.Notifications, n)
	deliveries, suppressed, err := audience.Deliveries(n, heading, whole, receiver, options)
	d.Deliveries = append(d.Deliveries, deliveries...)
	d.suppress(update.Target, suppressed...)
	return err
}

func (d *Decision) suppress(target image.Target, suppressed ...notification.Suppression) {
	if len(suppressed) > 0 {
		d.Suppressed[target] = append(d.Suppressed[target], suppressed...)
	}
}
