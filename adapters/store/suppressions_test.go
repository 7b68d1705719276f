package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// What is not notified is kept with the record: what differs, of the newest decisions,
// for the time of retention, also when nobody watches the tag any more.
func TestSuppressions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)
		low := notification.Suppress(notification.VulnUpdate, notification.BelowSeverity, "CVE-2026-1")
		idle := notification.Suppress(notification.TagUpdate, notification.Unchanged)
		record := func(minute int, suppressed ...notification.Suppression) {
			t.Helper()
			check(t, s.Record(ctx, nginx, func(view watch.RecordView) (watch.Decision, error) {
				return watch.Decision{State: watch.State{Revision: view.State.Revision + 1}, Made: at(minute), Suppressed: suppressed}, nil
			}))
		}
		record(0, idle)
		record(1, idle, low)
		if diff := cmp.Diff([]store.StoredSuppression{{At: at(1), Suppression: low}}, must[[]store.StoredSuppression](t)(s.Suppressions(ctx, nginx.String(), at(0)))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for minute := 2; minute < 70; minute++ {
			record(minute, low)
		}
		kept := must[[]store.StoredSuppression](t)(s.Suppressions(ctx, nginx.String(), at(0)))
		if len(kept) != 50 || !kept[0].At.Equal(at(69)) || !kept[49].At.Equal(at(20)) {
			t.Errorf("%d decisions are kept: %+v", len(kept), kept)
		}
		if since := must[[]store.StoredSuppression](t)(s.Suppressions(ctx, nginx.String(), at(60))); len(since) != 10 {
			t.Errorf("%d decisions since the hour, want 10", len(since))
		}
		must[int](t)(s.Unsubscribe(ctx, nginx, nil, at(70)))
		must[watch.Pruned](t)(s.Prune(ctx, at(65), at(70)))
		if left := must[[]store.StoredSuppression](t)(s.Suppressions(ctx, nginx.String(), at(0))); len(left) != 5 {
			t.Errorf("%d decisions are left, want 5", len(left))
		}
	})
}

func TestSuppressionsOfARepository(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		name := repository(t, "docker.io/library/nginx")
		check(t, s.SaveRepository(ctx, taglist.Repository{Name: name}, at(0)))
		known := notification.Suppress(notification.RepoUpdate, notification.TagKnown, "1.0")
		check(t, s.RecordRepository(ctx, name, func(view taglist.View) (taglist.Decision, error) {
			return taglist.Decision{State: taglist.State{Revision: view.State.Revision, Listed: true, Checked: at(1)}, Suppressed: []notification.Suppression{known}}, nil
		}))
		if diff := cmp.Diff([]store.StoredSuppression{{At: at(1), Suppression: known}}, must[[]store.StoredSuppression](t)(s.Suppressions(ctx, name.String(), at(0)))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
