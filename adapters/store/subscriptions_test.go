package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestSubscribe(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		odd := target(t, "registry.example:5000/a__b/c.d-e:V1.0_rc-2@linux/arm64/v8")
		options := subscription.Options{Endpoints: []string{"pager"}, MinSeverity: vuln.High, EveryAction: true}
		check(t, s.Subscribe(ctx, []subscription.Subscription{
			{Target: odd, Type: notification.TagUpdate, Options: options},
			{Target: odd, Type: notification.PolicyEval},
		}, 5*time.Minute, at(0)))
		check(t, s.Subscribe(ctx, []subscription.Subscription{{Target: odd, Type: notification.TagUpdate}}, 0, at(9)))

		got, err := s.Subscriptions(ctx, subscription.Filter{Target: &odd})
		check(t, err)
		want := []subscription.Subscription{
			{Target: odd, Type: notification.PolicyEval, Active: true, Created: at(0), Updated: at(0)},
			{Target: odd, Type: notification.TagUpdate, Active: true, Created: at(0), Updated: at(9)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		view, err := s.View(ctx, odd)
		check(t, err)
		if !view.Watched || view.Poll != 5*time.Minute || len(view.Subscriptions) != 2 {
			t.Errorf("view %+v", view)
		}
	})
}

func TestSubscriptionsFilter(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx, redis := target(t, "nginx:1"), target(t, "redis:7")
		brought := repository(t, "docker.io/redis")
		check(t, s.Subscribe(ctx, []subscription.Subscription{
			{Target: redis, Type: notification.TagUpdate, Repository: brought},
			{Target: redis, Type: notification.VulnUpdate},
			{Target: nginx, Type: notification.TagUpdate},
		}, 0, start))
		_, err := s.Unsubscribe(ctx, redis, []notification.Type{notification.VulnUpdate}, start)
		check(t, err)
		tests := []struct {
			name   string
			filter subscription.Filter
			want   []string
		}{
			{"all", subscription.Filter{}, []string{"docker.io/nginx:1 tag_update", "docker.io/redis:7 tag_update", "docker.io/redis:7 vuln_update"}},
			{"active", subscription.Filter{ActiveOnly: true}, []string{"docker.io/nginx:1 tag_update", "docker.io/redis:7 tag_update"}},
			{"target", subscription.Filter{Target: &nginx}, []string{"docker.io/nginx:1 tag_update"}},
			{"repository", subscription.Filter{Repository: &brought}, []string{"docker.io/redis:7 tag_update"}},
			{"type", subscription.Filter{Type: notification.VulnUpdate}, []string{"docker.io/redis:7 vuln_update"}},
		}
		for _, test := range tests {
			subs, err := s.Subscriptions(ctx, test.filter)
			check(t, err)
			var got []string
			for _, sub := range subs {
				got = append(got, sub.Target.String()+" "+string(sub.Type))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", test.name, diff)
			}
		}
	})
}

func TestUnsubscribeForgetsTheTarget(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		check(t, s.Subscribe(ctx, []subscription.Subscription{
			newSubscription(nginx, notification.TagUpdate), newSubscription(nginx, notification.VulnUpdate), newSubscription(nginx, notification.PolicyEval),
		}, time.Hour, at(0)))
		record(t, s, nginx, watch.State{Revision: 1, Analyzed: digest(1), Matched: true, Vulnerabilities: []vuln.Finding{{ID: "CVE-1"}}})

		left, err := s.Unsubscribe(ctx, nginx, []notification.Type{notification.TagUpdate, notification.AnalysisUpdate}, at(1))
		if err != nil || left != 2 {
			t.Fatalf("%d left, %v", left, err)
		}
		if view := must[watch.RecordView](t)(s.View(ctx, nginx)); view.State.Revision != 1 {
			t.Errorf("the state went with the first: %+v", view)
		}
		if _, err := s.Unsubscribe(ctx, nginx, []notification.Type{notification.TagUpdate}, at(2)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("again: %v", err)
		}
		left, err = s.Unsubscribe(ctx, nginx, nil, at(3))
		if err != nil || left != 0 {
			t.Fatalf("%d left, %v", left, err)
		}
		subscribe(t, s, nginx)
		view := must[watch.RecordView](t)(s.View(ctx, nginx))
		if diff := cmp.Diff(watch.State{}, view.State); diff != "" || view.Poll != 5*time.Minute {
			t.Errorf("not from scratch: %s, poll %s", diff, view.Poll)
		}
		if _, err := s.Unsubscribe(ctx, target(t, "unknown:1"), nil, at(4)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unknown: %v", err)
		}
	})
}

// TestUnsubscribeAll: of each target what is named ends, and with the last of it the target.
func TestUnsubscribeAll(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		part, whole, other, brought, gone := target(t, "part:1"), target(t, "whole:1"), target(t, "other:1"), target(t, "brought:1"), target(t, "gone:1")
		var subs []subscription.Subscription
		for _, each := range []image.Target{part, whole, other, brought} {
			subs = append(subs, newSubscription(each, notification.TagUpdate), newSubscription(each, notification.VulnUpdate))
		}
		subs[7].Repository = brought.Reference.Repository
		check(t, s.Subscribe(ctx, subs, time.Hour, at(0)))
		var declared []declaration.Key
		for _, each := range []image.Target{part, whole, other, brought} {
			declared = append(declared, declaration.KeyOfTarget(each))
		}
		check(t, s.Claim(ctx, "web", declared, at(0)))
		one := []notification.Type{notification.TagUpdate}
		check(t, s.UnsubscribeAll(ctx, []subscription.End{{Target: whole}, {Target: gone}, {Target: part, Types: one}, {Target: brought, Types: one},
			{Target: other, Types: []notification.Type{notification.AnalysisUpdate}}}, at(1)))
		var left []string
		for _, sub := range must[[]subscription.Subscription](t)(s.Subscriptions(ctx, subscription.Filter{ActiveOnly: true})) {
			left = append(left, sub.Target.Reference.Repository.Path+" "+string(sub.Type))
		}
		want := []string{"brought vuln_update", "other tag_update", "other vuln_update", "part vuln_update"}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("left (-want +got)\n%s", diff)
		}
		targets := must[[]image.Target](t)(s.Targets(ctx, subscription.TargetFilter{}))
		if diff := cmp.Diff([]image.Target{brought, other, part}, targets); diff != "" {
			t.Errorf("watched (-want +got)\n%s", diff)
		}
		var owned []string
		for _, thing := range must[[]declaration.Thing](t)(s.Things(ctx)) {
			owned = append(owned, thing.Name+" "+thing.Owner)
		}
		if diff := cmp.Diff([]string{"docker.io/library/other:1 web", "docker.io/library/part:1 web"}, owned); diff != "" {
			t.Errorf("owned (-want +got)\n%s", diff)
		}
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(whole, notification.TagUpdate), newSubscription(brought, notification.TagUpdate)}, 0, at(2)))
		for _, thing := range must[[]declaration.Thing](t)(s.Things(ctx)) {
			if (thing.Key == declaration.KeyOfTarget(whole) || thing.Key == declaration.KeyOfTarget(brought)) && thing.Owner != "" {
				t.Errorf("%s still belongs to %s", thing.Name, thing.Owner)
			}
		}
	})
}

// TestSubscribeKeepsPersons: what a person asked for does not fall to a watched
// repository, but the other way round.
func TestSubscribeKeepsPersons(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		persons := subscription.Subscription{Target: nginx, Type: notification.TagUpdate, Options: subscription.Options{Endpoints: []string{"mine"}}}
		brought := subscription.Subscription{Target: nginx, Type: notification.TagUpdate, Repository: nginx.Reference.Repository}
		for _, sub := range []subscription.Subscription{brought, persons, brought} {
			check(t, s.Subscribe(ctx, []subscription.Subscription{sub}, 0, start))
		}
		subs, err := s.Subscriptions(ctx, subscription.Filter{})
		check(t, err)
		persons.Active, persons.Created, persons.Updated = true, start, start
		if diff := cmp.Diff([]subscription.Subscription{persons}, subs); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestTargets(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		subscribe(t, s, target(t, "redis:7"), target(t, "quay.io/team/app:v2"), target(t, "redis:6"), target(t, "quay.io/team/app:V1"))
		check(t, s.Started(ctx, []image.Target{target(t, "redis:6"), target(t, "quay.io/team/app:v2"), target(t, "gone:1")}))
		app := repository(t, "quay.io/team/app")
		tests := []struct {
			name   string
			filter subscription.TargetFilter
			want   []string
		}{
			{"all, in one order on every matcher", subscription.TargetFilter{},
				[]string{"docker.io/redis:6", "docker.io/redis:7", "quay.io/team/app:V1", "quay.io/team/app:v2"}},
			{"registry", subscription.TargetFilter{Registry: "docker.io"}, []string{"docker.io/redis:6", "docker.io/redis:7"}},
			{"repository", subscription.TargetFilter{Repository: &app}, []string{"quay.io/team/app:V1", "quay.io/team/app:v2"}},
			{"not started", subscription.TargetFilter{Unstarted: true}, []string{"docker.io/redis:7", "quay.io/team/app:V1"}},
			{"first page", subscription.TargetFilter{Limit: 1}, []string{"docker.io/redis:6"}},
			{"next page", subscription.TargetFilter{Limit: 2, After: "docker.io/redis:6"}, []string{"docker.io/redis:7", "quay.io/team/app:V1"}},
			{"behind the last", subscription.TargetFilter{After: "quay.io/team/app:v2"}, nil},
		}
		for _, test := range tests {
			targets, err := s.Targets(ctx, test.filter)
			check(t, err)
			var got, summarized []string
			for _, target := range targets {
				got = append(got, target.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", test.name, diff)
			}
			summaries, err := s.Summaries(ctx, test.filter)
			check(t, err)
			for _, summary := range summaries {
				summarized = append(summarized, summary.Target.String())
			}
			if diff := cmp.Diff(test.want, summarized); diff != "" {
				t.Errorf("summaries of %s (-want +got)\n%s", test.name, diff)
			}
		}
		hosts, err := s.Registries(ctx)
		check(t, err)
		if diff := cmp.Diff([]string{"docker.io", "quay.io"}, hosts); diff != "" {
			t.Errorf("registries (-want +got)\n%s", diff)
		}
	})
}

func TestPoll(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		a, b, other := target(t, "a:1"), target(t, "b:1"), target(t, "quay.io/c:1")
		subscribe(t, s, a, b, other)
		check(t, s.Started(ctx, []image.Target{a}))
		due, err := s.Due(ctx, "docker.io", start, 10)
		check(t, err)
		want := []polling.Check{{Target: a, Poll: 5 * time.Minute, Next: start}, {Target: b, Unstarted: true, Poll: 5 * time.Minute, Next: start}}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
		check(t, s.Checked(ctx, []polling.Check{{Target: a, Seen: digest(1), Next: at(5)}, {Target: b, Next: at(3)}, {Target: target(t, "gone:1"), Next: at(1)}}))
		polls, err := s.NextDue(ctx, "docker.io")
		if err != nil || polls != (polling.Polls{Next: at(3), Tags: 2, Shortest: 5 * time.Minute}) {
			t.Errorf("next %+v, %v", polls, err)
		}
		due, err = s.Due(ctx, "docker.io", at(7), 10)
		check(t, err)
		want = []polling.Check{{Target: b, Unstarted: true, Poll: 5 * time.Minute, Next: at(3)}, {Target: a, Seen: digest(1), Poll: 5 * time.Minute, Next: at(5)}}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Errorf("longest due first (-want +got)\n%s", diff)
		}
		if due, err = s.Due(ctx, "docker.io", at(7), 1); err != nil || len(due) != 1 {
			t.Errorf("limit: %v, %v", due, err)
		}
		if polls, err = s.NextDue(ctx, "ghcr.io"); err != nil || polls != (polling.Polls{}) {
			t.Errorf("without targets: %+v, %v", polls, err)
		}
	})
}

// TestShorterPoll: a target whose interval becomes shorter is due within it.
func TestShorterPoll(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		a := target(t, "a:1")
		subscribe(t, s, a)
		for _, step := range []struct {
			name string
			poll time.Duration
			want time.Time
		}{
			{"unchanged", 0, at(60)},
			{"shorter", time.Minute, at(11)},
			{"longer", time.Hour, at(11)},
		} {
			if step.name == "unchanged" {
				check(t, s.Checked(ctx, []polling.Check{{Target: a, Next: at(60)}}))
			}
			check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(a, notification.TagUpdate)}, step.poll, at(10)))
			if polls, err := s.NextDue(ctx, "docker.io"); err != nil || !polls.Next.Equal(step.want) {
				t.Errorf("%s: due %s, want %s, %v", step.name, polls.Next, step.want, err)
			}
		}
	})
}

// A watched tag is found under all of its names, on its own platform.
func TestNamesakes(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		watched := []image.Target{target(t, "docker.io/library/nginx:1"), target(t, "ghcr.io:443/team/app:1@linux/arm64"), target(t, "nginx:2")}
		for _, each := range watched {
			check(t, s.Subscribe(ctx, []subscription.Subscription{{Target: each, Type: notification.TagUpdate}}, 0, start))
		}
		for name, want := range map[string][]image.Target{
			"nginx:1": watched[:1], "index.docker.io/library/nginx:1": watched[:1], "docker.io/library/nginx:1": watched[:1],
			"GHCR.IO/team/app:1@linux/arm64": watched[1:2], "ghcr.io/team/app:1": nil, "docker.io/library/nginx:2": watched[2:], "nginx:3": nil, "team/nginx:1": nil,
		} {
			got, err := s.Namesakes(ctx, target(t, name))
			if check(t, err); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	})
}
