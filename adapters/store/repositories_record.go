package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// RecordRepository is Record for a watched repository. A decision of the stored
// Revision is written too. State.Checked is taken as the
// time of what begins and ends, and of Ended only the subscriptions end that the
// repository brought. fault.NotFound if it is not watched.
func (s *Store) RecordRepository(ctx context.Context, name image.Repository, decide func(taglist.View) (taglist.Decision, error)) error {
	return s.change(ctx, "record repository "+name.String(), func(t tx) error {
		view, err := t.repositoryView(ctx, name)
		if err != nil {
			return err
		}
		change, err := decide(view)
		if err != nil || change.State.Revision < view.State.Revision {
			return err
		}
		return t.applyRepository(ctx, view.Repository, change)
	})
}

func (t tx) repositoryView(ctx context.Context, name image.Repository) (view taglist.View, err error) {
	if view, err = t.repository(ctx, name); err != nil {
		return view, err
	}
	if view.Endpoints, err = t.endpoints(ctx); err != nil {
		return view, err
	}
	if view.Watched, err = t.watchedNames(ctx, name); err != nil {
		return view, err
	}
	if view.Stale() {
		view.Brought, err = t.subscriptions(ctx, subscription.Filter{Repository: &name, ActiveOnly: true})
	}
	return view, err
}

func (t tx) applyRepository(ctx context.Context, repository taglist.Repository, change taglist.Decision) error {
	now := change.State.Checked
	if err := t.saveRepositoryState(ctx, repository.Name, change.State); err != nil {
		return err
	}
	if err := t.park(ctx, change.Archived, now); err != nil {
		return err
	}
	if err := t.subscribe(ctx, change.Subscribe, repository.Poll, now); err != nil {
		return err
	}
	if err := t.unpark(ctx, change.Subscribe); err != nil {
		return err
	}
	if err := t.release(ctx, change.Ended, bringingRepository(repository.Name), now); err != nil {
		return err
	}
	if err := t.drop(ctx, change.Dropped, now); err != nil {
		return err
	}
	if err := t.suppress(ctx, repository.Name.String(), now, change.Suppressed); err != nil {
		return err
	}
	return t.tell(ctx, change.Notifications, change.Deliveries)
}

// drop ends single subscriptions that a repository brought.
func (t tx) drop(ctx context.Context, subs []subscription.Subscription, now time.Time) error {
	for _, sub := range subs {
		if _, err := t.watched(ctx, sub.Target); err != nil {
			return err
		}
		if err := t.run(ctx, `UPDATE subscription SET active = FALSE, updated = ? WHERE target = ? AND type = ? AND repository = ? AND active`,
			toMicros(now), sub.Target.String(), string(sub.Type), sub.Repository.String()); err != nil {
			return err
		}
		if _, err := t.forgetUnwatched(ctx, sub.Target); err != nil {
			return err
		}
	}
	return nil
}

func (t tx) saveRepositoryState(ctx context.Context, name image.Repository, state taglist.State) error {
	tags, err := pack(state.Tags)
	if err != nil {
		return err
	}
	listedTags, err := pack(state.ListedTags)
	if err != nil {
		return err
	}
	return t.run(ctx, `UPDATE repository SET revision = ?, listed = ?, tags = ?, listed_tags = ?, applied = ?, checked = ? WHERE name = ?`,
		state.Revision, state.Listed, tags, listedTags, state.Applied, toMicros(state.Checked), name.String())
}

// UnwatchTags ends the subscriptions that a repository brought, and names the
// targets of them.
func (s *Store) UnwatchTags(ctx context.Context, name image.Repository, now time.Time) (ended []image.Target, err error) {
	err = s.change(ctx, "unwatch the tags of "+name.String(), func(t tx) error {
		ended = nil
		brought, err := t.subscriptions(ctx, subscription.Filter{Repository: &name, ActiveOnly: true})
		if err != nil {
			return err
		}
		for i, sub := range brought {
			if i > 0 && brought[i-1].Target == sub.Target {
				continue
			}
			ended = append(ended, sub.Target)
		}
		return t.noteSubscriptions(ctx, ended, now, func() error { return t.release(ctx, ended, bringingRepository(name), now) })
	})
	return ended, err
}
