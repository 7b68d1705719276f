package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// listed records a listing of a repository, as a worker does.
func listed(t *testing.T, s *store.Store, name image.Repository, minute int, tags ...string) (decided taglist.Decision) {
	t.Helper()
	check(t, s.RecordRepository(t.Context(), name, func(view taglist.View) (_ taglist.Decision, err error) {
		decided, err = taglist.Decide(view, taglist.Census{Tags: tags}, subscription.Audience{Endpoints: view.Endpoints, RetryWindow: time.Hour}, at(minute))
		return decided, err
	}))
	return decided
}

// TestArchived: what was recorded of a tag survives that it is not selected for a
// while, unless a person ended its watch or the time of retention is over.
func TestArchived(t *testing.T) {
	v1 := "quay.io/team/app:v1@linux/arm64"
	for _, test := range []struct {
		name  string
		while func(t *testing.T, s *store.Store)
		kept  bool
	}{
		{"selected again", func(*testing.T, *store.Store) {}, true},
		{"listed in between", func(t *testing.T, s *store.Store) { listed(t, s, watched(t).Name, 4, "v1", "v2") }, true},
		{"pruned too early", func(t *testing.T, s *store.Store) { must[watch.Pruned](t)(s.Prune(t.Context(), at(1), at(1))) }, true},
		{"pruned", func(t *testing.T, s *store.Store) { must[watch.Pruned](t)(s.Prune(t.Context(), at(5), at(5))) }, false},
		{"ended by a person", func(t *testing.T, s *store.Store) {
			subscribe(t, s, target(t, v1))
			must[int](t)(s.Unsubscribe(t.Context(), target(t, v1), nil, at(4)))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				ctx, app := t.Context(), watched(t)
				check(t, s.SaveRepository(ctx, app, at(0)))
				listed(t, s, app.Name, 1, "v1", "v2")
				record(t, s, target(t, v1), fullState())
				before := must[watch.RecordView](t)(s.View(ctx, target(t, v1))).State
				app.Filter.Exclude = []string{"v1"}
				check(t, s.SaveRepository(ctx, app, at(3)))
				listed(t, s, app.Name, 3, "v1", "v2")
				if must[watch.RecordView](t)(s.View(ctx, target(t, v1))).Watched {
					t.Fatal("still watched")
				}
				test.while(t, s)
				app.Filter.Exclude = nil
				check(t, s.SaveRepository(ctx, app, at(6)))
				if d := listed(t, s, app.Name, 6, "v1", "v2"); len(d.Notifications) > 0 {
					t.Errorf("notified %+v", d.Notifications)
				}
				before.Problem = nil
				if !test.kept {
					before = watch.State{}
				}
				view := must[watch.RecordView](t)(s.View(ctx, target(t, v1)))
				if diff := cmp.Diff(before, view.State); diff != "" || !view.Watched {
					t.Errorf("watched %v, state (-want +got)\n%s", view.Watched, diff)
				}
			})
		})
	}
}

// TestUnwatchTags ends what the repository brought, and nothing else.
func TestUnwatchTags(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app := t.Context(), watched(t)
		app.Types = []notification.Type{notification.TagUpdate, notification.VulnUpdate}
		check(t, s.SaveRepository(ctx, app, at(0)))
		listed(t, s, app.Name, 1, "v1", "v2")
		v1, v2 := target(t, "quay.io/team/app:v1@linux/arm64"), target(t, "quay.io/team/app:v2@linux/arm64")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(v1, notification.PolicyEval)}, 0, at(2)))
		ended := must[[]image.Target](t)(s.UnwatchTags(ctx, app.Name, at(3)))
		if diff := cmp.Diff([]image.Target{v1, v2}, ended); diff != "" {
			t.Errorf("ended (-want +got)\n%s", diff)
		}
		left := must[[]subscription.Subscription](t)(s.Subscriptions(ctx, subscription.Filter{ActiveOnly: true}))
		if len(left) != 1 || left[0].Target != v1 || left[0].Type != notification.PolicyEval {
			t.Errorf("left %+v", left)
		}
		if again := must[[]image.Target](t)(s.UnwatchTags(ctx, app.Name, at(4))); len(again) > 0 {
			t.Errorf("again %+v", again)
		}
	})
}

// TestDroppedType ends one type of a tag and leaves the others.
func TestDroppedType(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app := t.Context(), watched(t)
		app.Types = []notification.Type{notification.TagUpdate, notification.VulnUpdate}
		check(t, s.SaveRepository(ctx, app, at(0)))
		listed(t, s, app.Name, 1, "v1")
		app.Types = []notification.Type{notification.VulnUpdate}
		check(t, s.SaveRepository(ctx, app, at(2)))
		listed(t, s, app.Name, 3, "v1")
		left := must[[]subscription.Subscription](t)(s.Subscriptions(ctx, subscription.Filter{ActiveOnly: true}))
		if len(left) != 1 || left[0].Type != notification.VulnUpdate {
			t.Errorf("left %+v", left)
		}
	})
}

// TestPlatformsAreDueTogether, if they are checked equally often.
func TestPlatformsAreDueTogether(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		amd, arm, other := target(t, "nginx:1@linux/amd64"), target(t, "nginx:1@linux/arm64"), target(t, "nginx:11")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(amd, notification.TagUpdate)}, time.Hour, at(0)))
		check(t, s.Checked(ctx, []polling.Check{{Target: amd, Seen: digest(1), Next: at(30)}}))
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(arm, notification.TagUpdate), newSubscription(other, notification.TagUpdate)}, time.Hour, at(1)))
		often := target(t, "nginx:1@linux/s390x")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(often, notification.TagUpdate)}, time.Minute, at(1)))
		due := map[string]time.Time{}
		for _, check := range must[[]polling.Check](t)(s.Due(ctx, "docker.io", at(60), 0)) {
			due[check.Target.String()] = check.Next
		}
		want := map[string]time.Time{amd.String(): at(30), arm.String(): at(30), other.String(): at(1), often.String(): at(1)}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Errorf("due (-want +got)\n%s", diff)
		}
	})
}
