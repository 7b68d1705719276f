package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func watched(t *testing.T) taglist.Repository {
	return taglist.Repository{Name: repository(t, "quay.io/team/app"), Types: []notification.Type{notification.TagUpdate, notification.RepoUpdate},
		Options: subscription.Options{Endpoints: []string{"pager"}}, Platform: image.Platform{OS: "linux", Architecture: "arm64"},
		Poll: time.Minute, List: time.Hour, Filter: taglist.Filter{Include: []string{"v*"}}}
}

func TestRepositories(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := watched(t)
		check(t, s.SaveRepository(ctx, app, at(0)))
		check(t, s.RecordRepository(ctx, app.Name, func(taglist.View) (taglist.Decision, error) {
			return taglist.Decision{State: taglist.State{Revision: 1, Listed: true, Tags: []string{"v1"}, Checked: at(1)}}, nil
		}))
		app.List = 2 * time.Hour
		check(t, s.SaveRepository(ctx, app, at(2)))
		other := taglist.Repository{Name: repository(t, "nginx")}
		check(t, s.SaveRepository(ctx, other, at(2)))

		stored, state, err := s.Repository(ctx, app.Name)
		check(t, err)
		if diff := cmp.Diff(app, stored); diff != "" {
			t.Errorf("settings (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(taglist.State{Edition: 2, Revision: 1, Listed: true, Tags: []string{"v1"}, Checked: at(1)}, state); diff != "" {
			t.Errorf("state (-want +got)\n%s", diff)
		}
		all, err := s.Repositories(ctx)
		check(t, err)
		if diff := cmp.Diff([]taglist.Repository{other, app}, all); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		check(t, s.DeleteRepository(ctx, app.Name, at(9)))
		_, _, err = s.Repository(ctx, app.Name)
		for name, err := range map[string]error{"read": err, "delete": s.DeleteRepository(ctx, app.Name, at(9)),
			"record": s.RecordRepository(ctx, app.Name, func(taglist.View) (taglist.Decision, error) {
				return taglist.Decision{}, errors.New("decided about what is not watched")
			})} {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("%s one that is not there: %v", name, err)
			}
		}
	})
}

func TestRecordRepository(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := watched(t)
		check(t, s.SaveRepository(ctx, app, at(0)))
		check(t, s.SaveEndpoint(ctx, newEndpoint("pager"), at(0)))
		list := func(minute int, tags ...string) {
			t.Helper()
			check(t, s.RecordRepository(ctx, app.Name, func(view taglist.View) (taglist.Decision, error) {
				return taglist.Decide(view, taglist.Census{Tags: tags}, subscription.Audience{Endpoints: view.Endpoints, RetryWindow: time.Hour}, at(minute))
			}))
		}
		list(1, "v1", "v2")
		// A person is interested in v1 too.
		v1, v3 := target(t, "quay.io/team/app:v1@linux/arm64"), target(t, "quay.io/team/app:v3@linux/arm64")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(v1, notification.PolicyEval)}, 0, at(2)))
		list(3, "v3")

		targets, err := s.Targets(ctx, subscription.TargetFilter{})
		check(t, err)
		if diff := cmp.Diff([]image.Target{v1, v3}, targets); diff != "" {
			t.Errorf("targets (-want +got)\n%s", diff)
		}
		subs, err := s.Subscriptions(ctx, subscription.Filter{ActiveOnly: true})
		check(t, err)
		want := []subscription.Subscription{
			{Target: v1, Type: notification.PolicyEval, Active: true, Created: at(2), Updated: at(2)},
			{Target: v3, Type: notification.TagUpdate, Active: true, Options: app.Options, Repository: app.Name, Created: at(3), Updated: at(3)},
		}
		if diff := cmp.Diff(want, subs); diff != "" {
			t.Errorf("subscriptions (-want +got)\n%s", diff)
		}
		if view := must[watch.RecordView](t)(s.View(ctx, v3)); view.Poll != time.Minute {
			t.Errorf("poll %s", view.Poll)
		}
		notified, err := s.Notifications(ctx, store.NotificationFilter{})
		if err != nil || len(notified) != 1 || notified[0].Subject != "quay.io/team/app" {
			t.Errorf("%+v, %v", notified, err)
		}
	})
}

// TestProblemOfRepository is the condition of its list.
func TestProblemOfRepository(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := watched(t)
		check(t, s.SaveRepository(ctx, app, at(0)))
		problem := &condition.Problem{Kind: "Unauthorized", Stage: condition.StageList, Message: "denied", Since: at(1)}
		follow(t, s, condition.Wrong(condition.Key{Kind: condition.Unlistable, Resource: condition.Repository, Name: app.Name.String()}, problem.Wrong()), at(2))
		_, state, err := s.Repository(ctx, app.Name)
		check(t, err)
		if diff := cmp.Diff(taglist.State{Edition: 1, Problem: problem}, state); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
