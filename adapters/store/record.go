package store

import (
	"context"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// View reads what a decision about the target is made from.
func (s *Store) View(ctx context.Context, target image.Target) (watch.RecordView, error) {
	var view watch.RecordView
	err := s.view(ctx, "read "+target.String(), func(t tx) (err error) {
		view, err = t.recordView(ctx, target)
		return err
	})
	return view, err
}

func (t tx) recordView(ctx context.Context, target image.Target) (view watch.RecordView, err error) {
	poll, watched, err := first[int64](ctx, t, `SELECT poll FROM target WHERE name = ?`+t.locking, target.String())
	if err != nil {
		return view, err
	}
	view.Watched, view.Poll = watched, durationOf(poll)
	if watched {
		if view.State, err = t.state(ctx, target); err != nil {
			return view, err
		}
		if view.Subscriptions, err = t.subscriptions(ctx, subscription.Filter{Target: &target, ActiveOnly: true}); err != nil {
			return view, err
		}
	}
	if view.Endpoints, err = t.endpoints(ctx); err != nil {
		return view, err
	}
	current, err := t.feed(ctx)
	if err != nil {
		return view, err
	}
	view.Build, view.Matcher = current.Build, vuln.Matcher(current.Matcher)
	view.Bundle, err = t.activeBundle(ctx)
	return view, err
}

// Record lets decide make the target's next state from what is stored and writes
// it together with its notifications and deliveries, in one transaction that no
// other about the target overlaps. A change whose Revision is not above the
// stored one was recorded before and is dropped. Decide may be called more than
// once; it must do nothing but decide. errkind.NotFound for a change of a target
// that nobody is subscribed to any more.
func (s *Store) Record(ctx context.Context, target image.Target, decide func(watch.RecordView) (watch.Decision, error)) error {
	return s.change(ctx, "record "+target.String(), func(t tx) error {
		view, err := t.recordView(ctx, target)
		if err != nil {
			return err
		}
		change, err := decide(view)
		if err != nil || change.State.Revision <= view.State.Revision {
			return err
		}
		if !view.Watched {
			return fmt.Errorf("it is not watched: %w", errkind.NotFound)
		}
		if err := t.saveState(ctx, target, change.State); err != nil {
			return err
		}
		if err := t.tell(ctx, change.Notifications, change.Deliveries); err != nil {
			return err
		}
		return t.gather(ctx, change.PendingSummary)
	})
}
