package store_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// counted is a state with these counts, recorded at that minute.
func counted(revision int64, minute int, counts vuln.Counts, status policy.Status) watch.State {
	state := watch.State{Revision: revision, Matched: true, Counts: counts, Changed: at(minute), Checked: at(minute)}
	if status != "" {
		state.Evaluation = &watch.Evaluation{Status: status, FinalAction: policy.Stop}
	}
	return state
}

// TestHistory: a row for each change of the counts and none for anything else.
func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		nginx, other := target(t, "nginx:1"), target(t, "other:1")
		subscribe(t, s, nginx, other)
		one, two := vuln.Counts{Critical: 1}, vuln.Counts{Critical: 1, High: 2, Medium: 3, Low: 4, Negligible: 5, Unknown: 6}
		record(t, s, nginx, watch.State{Revision: 1, Changed: at(0)}) // nothing is known yet
		record(t, s, nginx, counted(2, 1, one, ""))
		record(t, s, nginx, counted(3, 2, one, policy.Fail))
		record(t, s, nginx, counted(4, 3, two, policy.Fail))
		record(t, s, nginx, counted(5, 4, one, policy.Fail))
		found := must[map[image.Target][]watch.CountsAt](t)(s.Histories(t.Context(), []image.Target{nginx, other}))
		want := map[image.Target][]watch.CountsAt{nginx: {{At: at(1), Counts: one}, {At: at(3), Counts: two}, {At: at(4), Counts: one}}}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		must[watch.Pruned](t)(s.Prune(t.Context(), at(3), at(3)))
		found = must[map[image.Target][]watch.CountsAt](t)(s.Histories(t.Context(), []image.Target{nginx}))
		if diff := cmp.Diff(want[nginx][1:], found[nginx]); diff != "" {
			t.Errorf("what was so then is not kept (-want +got)\n%s", diff)
		}
		must[int](t)(s.Unsubscribe(t.Context(), nginx, nil, at(9)))
		if found := must[map[image.Target][]watch.CountsAt](t)(s.Histories(t.Context(), []image.Target{nginx})); len(found) > 0 {
			t.Errorf("a history outlives its target: %v", found)
		}
	})
}

func TestOverview(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		a, b, c, d := target(t, "r.example.com/a_1:x"), target(t, "r.example.com/b:x"), target(t, "r.example.com/c:x"), target(t, "s.example.com/d:x")
		subscribe(t, s, a, b, c, d)
		record(t, s, a, counted(1, 1, vuln.Counts{High: 9}, policy.Pass))
		record(t, s, b, counted(1, 3, vuln.Counts{Critical: 1}, policy.Fail))
		failing := counted(1, 2, vuln.Counts{Critical: 1, High: 1}, policy.Fail)
		failing.Problem = &condition.Problem{Stage: condition.StageResolve, Message: "gone", Since: at(0)}
		record(t, s, c, failing)
		for _, test := range []struct {
			name   string
			filter watch.OverviewFilter
			want   []image.Target
			total  int
		}{
			{"all", watch.OverviewFilter{}, []image.Target{a, b, c, d}, 4},
			{"the mostSevere first", watch.OverviewFilter{Order: watch.BySeverity}, []image.Target{c, b, a, d}, 4},
			{"the last changed first", watch.OverviewFilter{Order: watch.ByChange}, []image.Target{b, c, a, d}, 4},
			{"a page", watch.OverviewFilter{After: a.String(), Limit: 2}, []image.Target{b, c}, 4},
			{"behind the last", watch.OverviewFilter{After: d.String(), Limit: 2}, nil, 4},
			{"before a tag", watch.OverviewFilter{Before: c.String(), Limit: 1}, []image.Target{b}, 4},
			{"of a registry", watch.OverviewFilter{Registry: "s.example.com"}, []image.Target{d}, 1},
			{"of a repository", watch.OverviewFilter{Repository: "r.example.com/c"}, []image.Target{c}, 1},
			{"of a source without tags", watch.OverviewFilter{Source: "shop"}, nil, 0},
			{"fail", watch.OverviewFilter{Status: "fail"}, []image.Target{b, c}, 2},
			{"not evaluated", watch.OverviewFilter{Status: watch.NotEvaluated}, []image.Target{d}, 1},
			{"failing", watch.OverviewFilter{Failing: true}, []image.Target{c}, 1},
			{"a part of the name", watch.OverviewFilter{Text: "R.Example.com/B"}, []image.Target{b}, 1},
			{"no pattern", watch.OverviewFilter{Text: "%"}, nil, 0},
			{"an underscore is one", watch.OverviewFilter{Text: "a_1"}, []image.Target{a}, 1},
			{"a quote", watch.OverviewFilter{Text: `'\`}, nil, 0},
		} {
			page, total, err := s.Overview(t.Context(), test.filter)
			check(t, err)
			var got []image.Target
			for _, summary := range page {
				got = append(got, summary.Target)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || total != test.total {
				t.Errorf("%s: total %d, want %d (-want +got)\n%s", test.name, total, test.total, diff)
			}
		}
	})
}

// TestOverviewPages: pages of any size are the whole in its order, where what was
// never recorded is at the end of all orders but that by name.
func TestOverviewPages(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		var targets []image.Target
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			targets = append(targets, target(t, "r.example.com/"+name+":x"))
		}
		subscribe(t, s, targets...)
		record(t, s, targets[1], counted(1, 2, vuln.Counts{Low: 1}, policy.Pass))
		record(t, s, targets[3], counted(1, 1, vuln.Counts{}, policy.Pass))
		record(t, s, targets[4], counted(1, 3, vuln.Counts{Critical: 1}, policy.Fail))
		record(t, s, targets[6], counted(1, 2, vuln.Counts{Low: 1}, ""))
		for _, test := range []struct {
			filter watch.OverviewFilter
			want   string
		}{
			{watch.OverviewFilter{}, "abcdefg"},
			{watch.OverviewFilter{Order: watch.BySeverity}, "ebgdacf"},
			{watch.OverviewFilter{Order: watch.ByChange}, "ebgdacf"},
			{watch.OverviewFilter{Order: watch.BySeverity, Status: watch.NotEvaluated}, "gacf"},
			{watch.OverviewFilter{Order: watch.ByChange, Status: string(policy.Pass)}, "bd"},
		} {
			for test.filter.Limit = 1; test.filter.Limit <= 8; test.filter.Limit++ {
				got, back := "", ""
				var last string
				for test.filter.After, test.filter.Before = "", ""; ; test.filter.After = last {
					page, total, err := s.Overview(t.Context(), test.filter)
					check(t, err)
					if total != len(test.want) || len(page) > test.filter.Limit {
						t.Errorf("%+v: %d of %d", test.filter, len(page), total)
					}
					for _, summary := range page {
						got, last = got+summary.Target.Reference.Path, summary.Target.String()
					}
					if len(page) < test.filter.Limit {
						break
					}
				}
				for test.filter.After, test.filter.Before, back = "", last, got[len(got)-1:]; ; {
					page, _, err := s.Overview(t.Context(), test.filter)
					check(t, err)
					for _, summary := range slices.Backward(page) {
						back = summary.Target.Reference.Path + back
					}
					if len(page) < test.filter.Limit {
						break
					}
					test.filter.Before = page[0].Target.String()
				}
				if got != test.want || back != test.want {
					t.Errorf("%+v: %s, and backward %s, want %s", test.filter, got, back, test.want)
				}
			}
		}
	})
}

func TestRegistryStates(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		a, b, c := target(t, "r.example.com/a:x"), target(t, "r.example.com/b:x"), target(t, "s.example.com/c:x")
		subscribe(t, s, a, b, c)
		problem := &condition.Problem{Stage: condition.StageResolve, Message: "gone", Since: at(0)}
		failing := counted(1, 2, vuln.Counts{}, "")
		failing.Problem = problem
		record(t, s, a, failing)
		record(t, s, b, counted(1, 5, vuln.Counts{}, ""))
		got := must[[]polling.RegistryState](t)(s.RegistryStates(t.Context()))
		want := []polling.RegistryState{{Registry: "r.example.com", Tags: 2, Failing: 1, Checked: at(5), Example: problem}, {Registry: "s.example.com", Tags: 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// BenchmarkOverview reads the first page of the status page among 10,000 tags.
func BenchmarkOverview(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkOverview(b, "sqlite://"+b.TempDir()+"/tagwatch.db") })
	if server := os.Getenv(storetest.Server); server != "" {
		b.Run("postgres", func(b *testing.B) { benchmarkOverview(b, storetest.Create(b, server)) })
	}
}

func benchmarkOverview(b *testing.B, url string) {
	s := open(b, url)
	var subs []image.Target
	for n := range 10_000 {
		subs = append(subs, target(b, fmt.Sprintf("registry.example.com/team-%d/app:%d", n%100, n)))
	}
	watchAll(b, s, subs)
	for _, order := range []watch.OverviewOrder{watch.ByName, watch.BySeverity, watch.ByChange} {
		b.Run("order="+string(order), func(b *testing.B) {
			began := time.Now()
			for b.Loop() {
				if _, total, err := s.Overview(b.Context(), watch.OverviewFilter{Order: order, Limit: 50}); err != nil || total != 10_000 {
					b.Fatal(total, err)
				}
			}
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "pages/s")
		})
	}
}

func watchAll(b *testing.B, s *store.Store, targets []image.Target) {
	b.Helper()
	for _, target := range targets {
		check(b, s.Subscribe(b.Context(), []subscription.Subscription{newSubscription(target, notification.VulnUpdate)}, time.Minute, start))
		check(b, s.Record(b.Context(), target, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: counted(1, len(target.String()), vuln.Counts{High: len(target.String())}, policy.Pass)}, nil
		}))
	}
}
