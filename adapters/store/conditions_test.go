package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// follow stores a report, with one notification for each condition that begins or
// recovers, and returns the transitions.
func follow(t *testing.T, s *store.Store, report condition.Report, now time.Time) (transitions []condition.Transition) {
	t.Helper()
	changes, _, err := s.FollowConditions(t.Context(), report, now, announce(now), time.Hour)
	check(t, err)
	for _, change := range changes {
		transitions = append(transitions, change.Transition)
	}
	return transitions
}

func announce(now time.Time) func([]condition.Change) ([]notification.Notification, error) {
	return func(changes []condition.Change) (notifications []notification.Notification, err error) {
		for _, change := range changes {
			if change.Transition == condition.Began || change.Transition == condition.Recovered {
				notifications = append(notifications, notification.Notification{ID: string(change.Transition) + now.String(), Type: notification.EventLog, Created: now})
			}
		}
		return notifications, nil
	}
}

func wrong(kind condition.Kind, resource condition.Resource, name string) condition.Report {
	return condition.Wrong(condition.Key{Kind: kind, Resource: resource, Name: name}, &condition.Found{Step: string(condition.StageEvaluate), Message: "violates a constraint"})
}

func stored(t *testing.T, s *store.Store) int {
	t.Helper()
	return len(must[[]store.StoredNotification](t)(s.Notifications(t.Context(), store.NotificationFilter{})))
}

// TestFollowConditions: the row and what is notified of it are stored together, or
// neither is.
func TestFollowConditions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, endpoint.Endpoint{Name: "ops", URL: "https://ops.example", Types: []notification.Type{notification.EventLog}}, start))
		failing := wrong(condition.StepFails, condition.Task, "sync-feed")

		failed := errors.New("no notification")
		_, _, err := s.FollowConditions(ctx, failing, start, func([]condition.Change) ([]notification.Notification, error) { return nil, failed }, time.Hour)
		if !errors.Is(err, failed) || len(must[[]condition.Condition](t)(s.Conditions(ctx, condition.Scope{}))) != 0 {
			t.Fatalf("error %v, and the row is there without its notification", err)
		}
		changes, endpoints, err := s.FollowConditions(ctx, failing, start, announce(start), time.Hour)
		check(t, err)
		if len(changes) != 1 || changes[0].Transition != condition.Began || len(endpoints) != 1 || endpoints[0] != "ops" {
			t.Fatalf("changes %+v, endpoints %v", changes, endpoints)
		}
		if again := follow(t, s, failing, at(1)); again != nil {
			t.Errorf("the same again: %v", again)
		}
		list := must[[]condition.Condition](t)(s.Conditions(ctx, condition.Scope{Resource: condition.Task}))
		if diff := cmp.Diff([]condition.Condition{*changes[0].After}, list); diff != "" {
			t.Errorf("stored (-want +got)\n%s", diff)
		}
		fine := condition.Wrong(failing.Found[0].Key, nil)
		if got := follow(t, s, fine, at(2)); len(got) != 1 || got[0] != condition.Recovered {
			t.Errorf("fine: %v, want recovered", got)
		}
		if got := follow(t, s, fine, at(3)); got != nil || stored(t, s) != 2 {
			t.Errorf("fine again: %v, %d notifications, want 2", got, stored(t, s))
		}
	})
}

// TestFollowConditionsAtOnce: however many steps find the same at one moment, people
// are notified once.
func TestFollowConditionsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		failing := wrong(condition.StepFails, condition.Task, "sync-feed")
		for _, report := range []condition.Report{failing, condition.Wrong(failing.Found[0].Key, nil)} {
			var mu sync.Mutex
			var notified int
			var group sync.WaitGroup
			for i := range 12 {
				group.Go(func() {
					changes, _, err := s.FollowConditions(context.Background(), report, at(i), announce(at(i)), time.Hour)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					for _, change := range changes {
						if change.Transition == condition.Began || change.Transition == condition.Recovered {
							notified++
						}
					}
				})
			}
			group.Wait()
			if notified != 1 {
				t.Errorf("notified %d times, want once", notified)
			}
		}
	})
}

// TestConditionsAreShown: what is wrong with a tag is its problem, and counts for its
// registry.
func TestConditionsAreShown(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app := t.Context(), target(t, "app:1")
		subscribe(t, s, app)
		follow(t, s, wrong(condition.StepFails, condition.Tag, app.String()), start)
		shown, _, err := s.Overview(ctx, watch.OverviewFilter{Failing: true})
		check(t, err)
		if len(shown) != 1 || shown[0].Problem == nil || shown[0].Problem.Message != "violates a constraint" {
			t.Errorf("shown as failing: %+v", shown)
		}
		registries := must[[]polling.RegistryState](t)(s.RegistryStates(ctx))
		if len(registries) != 1 || registries[0].Failing != 1 || registries[0].Example == nil {
			t.Errorf("registries: %+v", registries)
		}
		follow(t, s, wrong(condition.StepFails, condition.Registry, registries[0].Registry), at(1))
		want := map[condition.Resource]int{condition.Tag: 1, condition.Registry: 1}
		if diff := cmp.Diff(want, must[store.Totals](t)(s.Totals(ctx, start)).FailingSteps); diff != "" {
			t.Errorf("counted (-want +got)\n%s", diff)
		}
	})
}

// TestConditionsEndWithWhatTheyAreAbout: nothing is wrong with what nobody watches any
// more, however that ended.
func TestConditionsEndWithWhatTheyAreAbout(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app, other := t.Context(), target(t, "app:1"), target(t, "app:2")
		registry := app.Reference.Registry
		subscribe(t, s, app, other)
		follow(t, s, wrong(condition.StepFails, condition.Tag, app.String()), start)
		follow(t, s, wrong(condition.StepFails, condition.Tag, other.String()), at(1))
		follow(t, s, wrong(condition.Unreachable, condition.Registry, registry), at(2))

		names := func() (names []string) {
			for _, c := range must[[]condition.Condition](t)(s.Conditions(ctx, condition.Scope{})) {
				names = append(names, c.Name)
			}
			return names
		}
		must[int](t)(s.Unsubscribe(ctx, app, nil, start))
		if diff := cmp.Diff([]string{other.String(), registry}, names()); diff != "" {
			t.Errorf("left (-want +got)\n%s", diff)
		}
		must[int](t)(s.Unsubscribe(ctx, other, nil, start))
		for _, report := range []condition.Report{wrong(condition.StepFails, condition.Tag, app.String()), wrong(condition.Unreachable, condition.Registry, registry),
			wrong(condition.Failing, condition.Endpoint, "gone"), wrong(condition.Unlistable, condition.Repository, "registry.example/gone")} {
			if got := follow(t, s, report, at(3)); got != nil {
				t.Errorf("%+v of what nobody watches: %v", report.Scope, got)
			}
		}
		if left := names(); left != nil {
			t.Errorf("left %v, want nothing", left)
		}
	})
}

// TestDelayedAt: of all analyses that a registry delays, the longest counts, for as
// long as its tag is watched.
func TestDelayedAt(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app, other := t.Context(), target(t, "app:1"), target(t, "app:2")
		registry := app.Reference.Registry
		subscribe(t, s, app, other)
		for i, tag := range []string{other.String(), app.String()} {
			report := wrong(condition.Delayed, condition.Tag, tag)
			report.Found[0].Silent, report.Found[0].Message = true, tag
			if i == 1 {
				report.Found[0].ErrorKind = errkind.Name(errkind.Unavailable)
			}
			follow(t, s, report, at(i))
		}
		delayed := must[*condition.Condition](t)(s.DelayedAt(ctx, registry))
		if delayed == nil || delayed.Message != app.String() {
			t.Errorf("delayed %+v", delayed)
		}
		must[int](t)(s.Unsubscribe(ctx, app, nil, start))
		if delayed = must[*condition.Condition](t)(s.DelayedAt(ctx, registry)); delayed != nil {
			t.Errorf("delayed %+v, but nobody watches it", delayed)
		}
	})
}
