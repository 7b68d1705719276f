package operations

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// endedPage is how many tags end in one transaction.
const endedPage = 100

// deleteAll deletes in order, tags that follow each other in pages, as many as there is
// time for.
func (d declaring) deleteAll(ctx context.Context, changes []declaration.Change) error {
	for len(changes) > 0 {
		n := 0
		for n < min(len(changes), endedPage) && changes[n].Kind == declaration.OfSubscription {
			n++
		}
		page := changes[:max(n, 1)]
		changes = changes[len(page):]
		var err error
		if n > 0 {
			err = d.endTags(ctx, page)
		} else {
			err = d.delete(ctx, page[0])
		}
		if err := d.finish(ctx, err, page...); err != nil {
			return err
		}
	}
	return nil
}

func (d declaring) endTags(ctx context.Context, changes []declaration.Change) error {
	ends := make([]subscription.End, len(changes))
	for i, c := range changes {
		ends[i] = subscription.End{Target: c.Stored.Watched.Target, Types: slices.Sorted(maps.Keys(c.Stored.Watched.Types))}
	}
	return d.end(ctx, ends...)
}

// delete removes a thing that is not a tag. One that was removed meanwhile is as it is to be.
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
