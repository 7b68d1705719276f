package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

func listSource(name string) source.Source {
	return source.Source{Name: name, Kind: source.File, Paths: []string{"/srv/" + name}, Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate}}
}

// sourceLists records a listing of those references.
func sourceLists(t *testing.T, s *store.Store, name string, minute int, references ...string) {
	t.Helper()
	var found []source.Found
	for _, text := range references {
		found = append(found, source.Refer(text, "list", image.Platform{}))
	}
	check(t, s.RecordSource(t.Context(), name, found, func(view source.View) (source.Decision, error) {
		return source.Decide(view, found, fmt.Sprint("v", minute), at(minute))
	}))
}

// brought says who brought the active subscriptions, as target=owner.
func brought(t *testing.T, s *store.Store) []string {
	t.Helper()
	subs, err := s.Subscriptions(t.Context(), subscription.Filter{ActiveOnly: true})
	check(t, err)
	var all []string
	for _, sub := range subs {
		owner := "person"
		switch {
		case sub.Source != "":
			owner = sub.Source
		case sub.Repository != (image.Repository{}):
			owner = "repository"
		}
		all = append(all, strings.TrimPrefix(sub.Target.String(), "docker.io/")+" "+string(sub.Type)+"="+owner)
	}
	return slices.Compact(all)
}

func TestSources(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := listSource("app")
		app.Variables, app.Profiles, app.Kind = map[string]string{"A": "b"}, []string{"*"}, source.Compose
		check(t, s.SaveSource(ctx, app, at(0)))
		check(t, s.SaveSource(ctx, listSource("other"), at(0)))
		sourceLists(t, s, "app", 1, "a:1", "scratch")
		stored, state, err := s.Source(ctx, "app")
		check(t, err)
		if diff := cmp.Diff(app, stored); diff != "" {
			t.Errorf("settings (-want +got)\n%s", diff)
		}
		if !state.Listed || state.Version != "v1" || len(state.Members) != 1 || len(state.Found) != 2 || state.Found[1].Reason != source.Scratch || !state.Checked.Equal(at(1)) {
			t.Errorf("state %+v", state)
		}
		check(t, s.SaveSource(ctx, app, at(2)))
		if _, state, _ := s.Source(ctx, "app"); state.Version != "" || len(state.Members) != 1 {
			t.Errorf("new settings keep the members and forget the version: %+v", state)
		}
		all, err := s.Sources(ctx)
		check(t, err)
		if diff := cmp.Diff([]source.Source{app, listSource("other")}, all); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		_, err = s.DeleteSource(ctx, "app", at(3))
		check(t, err)
		_, _, err = s.Source(ctx, "app")
		_, deleted := s.DeleteSource(ctx, "app", at(3))
		for doing, err := range map[string]error{"read": err, "delete": deleted, "confirm": s.ConfirmSource(ctx, "app", at(3))} {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("%s one that is not there: %v", doing, err)
			}
		}
		if got := brought(t, s); len(got) > 0 {
			t.Errorf("left: %v", got)
		}
	})
}

// TestRecordSource ends what the source alone brought.
func TestRecordSource(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveSource(ctx, listSource("app"), at(0)))
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(target(t, "library/nginx:1"), notification.TagUpdate)}, 0, at(0)))
		sourceLists(t, s, "app", 1, "a:1", "nginx:1", "b:1")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(target(t, "b:1"), notification.VulnUpdate)}, 0, at(2)))
		want := []string{"a:1 tag_update=app", "a:1 vuln_update=app", "b:1 tag_update=app", "b:1 vuln_update=person", "library/nginx:1 tag_update=person", "library/nginx:1 vuln_update=app"}
		if diff := cmp.Diff(want, brought(t, s)); diff != "" {
			t.Errorf("brought (-want +got)\n%s", diff)
		}
		sourceLists(t, s, "app", 3, "c:1")
		sourceLists(t, s, "app", 4, "c:1")
		want = []string{"b:1 vuln_update=person", "c:1 tag_update=app", "c:1 vuln_update=app", "library/nginx:1 tag_update=person"}
		if diff := cmp.Diff(want, brought(t, s)); diff != "" {
			t.Errorf("after they went (-want +got)\n%s", diff)
		}
	})
}

// What one source no longer lists goes on for another that does.
func TestSourcesHandOver(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, name := range []string{"one", "two"} {
			check(t, s.SaveSource(ctx, listSource(name), at(0)))
			sourceLists(t, s, name, 1, "a:1", name+":1")
		}
		sourceLists(t, s, "one", 2, "one:1")
		sourceLists(t, s, "one", 3, "one:1")
		want := []string{"a:1 tag_update=two", "a:1 vuln_update=two", "one:1 tag_update=one", "one:1 vuln_update=one", "two:1 tag_update=two", "two:1 vuln_update=two"}
		if diff := cmp.Diff(want, brought(t, s)); diff != "" {
			t.Errorf("handed over (-want +got)\n%s", diff)
		}
		ended, err := s.DeleteSource(ctx, "two", at(4))
		check(t, err)
		if got := brought(t, s); len(got) != 2 || len(ended) != 2 {
			t.Errorf("left %v, ended %v", got, ended)
		}
	})
}

func TestConfirmSource(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveSource(ctx, listSource("app"), at(0)))
		if err := s.ConfirmSource(ctx, "app", at(0)); !errors.Is(err, errkind.Conflict) {
			t.Errorf("confirm where nothing waits: %v", err)
		}
		doubted(t, s, "app")
		if got := brought(t, s); len(got) != 2 {
			t.Errorf("an empty list: %v, want what was there", got)
		}
		if _, state, err := s.Source(ctx, "app"); err != nil || state.Problem == nil || state.Problem.Stage != condition.StageConfirm || !state.Unconfirmed() || state.Wrong() == nil {
			t.Errorf("state %+v, %v", state, err)
		}
		nothingWaits := func(when string) {
			t.Helper()
			if _, state, err := s.Source(ctx, "app"); err != nil || state.Unconfirmed() || state.Wrong() != nil {
				t.Errorf("%s: state %+v, %v", when, state, err)
			}
			if err := s.ConfirmSource(ctx, "app", at(3)); !errors.Is(err, errkind.Conflict) {
				t.Errorf("%s: confirm again: %v", when, err)
			}
		}
		check(t, s.ConfirmSource(ctx, "app", at(3)))
		nothingWaits("before the next reading")
		sourceLists(t, s, "app", 4)
		if got := brought(t, s); len(got) != 0 {
			t.Errorf("after the confirmation: %v", got)
		}
		nothingWaits("after the next reading")
	})
}

// doubted empties the list of a source, which waits to be confirmed then.
func doubted(t *testing.T, s *store.Store, name string) {
	sourceLists(t, s, name, 1, "a:1")
	sourceLists(t, s, name, 2)
	_, _, err := s.FollowConditions(t.Context(), condition.Wrong(condition.Key{Kind: condition.Unreadable, Resource: condition.Source, Name: name},
		&condition.Found{Step: string(condition.StageConfirm), Message: "gone"}), at(2), func([]condition.Change) ([]notification.Notification, error) { return nil, nil }, 0)
	check(t, err)
}
