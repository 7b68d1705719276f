package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// reached notes who was woken.
type reached struct {
	mu    sync.Mutex
	names []string
	fails error
}

func (r *reached) note(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
	return r.fails
}

func (r *reached) WakeTag(_ context.Context, t image.Target, _ watcher.WakeReason) error {
	return r.note(t.String())
}
func (r *reached) WakeRepository(_ context.Context, repository image.Repository, _ watcher.WakeReason) error {
	return r.note("repository " + repository.String())
}
func (r *reached) WakeRegistry(_ context.Context, host string, _ watcher.WakeReason) error {
	return r.note("registry " + host)
}

// watching is a store that watches some tags, and a repository for its v tags.
func watching(t *testing.T, targets ...string) *store.Store {
	t.Helper()
	keeper := storetest.Open(t)
	later := time.Now().Add(time.Hour)
	for _, text := range targets {
		target, err := image.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		s := subscription.Subscription{Target: target, Type: notification.TagUpdate, Active: true}
		if err := keeper.Subscribe(t.Context(), []subscription.Subscription{s}, time.Hour, later); err != nil {
			t.Fatal(err)
		}
	}
	name := image.Repository{Registry: "registry.example.com", Path: "shop/web"}
	if err := keeper.SaveRepository(t.Context(), taglist.Repository{Name: name, Types: []notification.Type{notification.TagUpdate},
		Filter: taglist.Filter{Include: []string{"v*"}}}, later); err != nil {
		t.Fatal(err)
	}
	return keeper
}

func happened(path, tag string) push.Event {
	return push.Event{Repository: image.Repository{Registry: "registry.example.com", Path: path}, Tag: tag}
}

// TestWake: what is watched is woken, on every platform, and nothing else.
func TestWake(t *testing.T) {
	t.Parallel()
	keeper := watching(t, "registry.example.com/shop/api:1", "registry.example.com/shop/api:1@linux/arm64", "registry.example.com/shop/api:1-debug",
		"registry.example.com/shop/api:10", "registry.example.com/shop/web:v1", "other.example.com/shop/api:1")
	for _, test := range []struct {
		name  string
		event push.Event
		want  []string
		count int
	}{
		{"a tag on two platforms", happened("shop/api", "1"), []string{"registry.example.com/shop/api:1", "registry.example.com/shop/api:1@linux/arm64"}, 2},
		{"a tag of a watched repository", happened("shop/web", "v1"), []string{"registry.example.com/shop/web:v1"}, 1},
		{"a new tag of a watched repository", happened("shop/web", "v2"), []string{"repository registry.example.com/shop/web"}, 1},
		{"a tag that the repository's filter leaves out", happened("shop/web", "nightly"), nil, 0},
		{"a tag that nobody watches", happened("shop/api", "2"), nil, 0},
		{"a repository that nobody watches", happened("shop/none", "1"), nil, 0},
		{"any tag of a repository", happened("shop/api", ""), []string{"registry registry.example.com"}, 4},
		{"any tag of a watched repository", happened("shop/web", ""), []string{"registry registry.example.com", "repository registry.example.com/shop/web"}, 2},
		{"any tag of one that nobody watches", happened("shop/none", ""), nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			who := &reached{}
			count, err := newWaker(keeper, who, 0, time.Now).wake(t.Context(), []push.Event{test.event})
			if err != nil || count != test.count {
				t.Errorf("%d, %v; want %d", count, err, test.count)
			}
			slices.Sort(who.names)
			if diff := cmp.Diff(test.want, who.names); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestWakeNames: what is watched is woken whichever of its names it is watched under,
// and whichever the push has.
func TestWakeNames(t *testing.T) {
	t.Parallel()
	for _, official := range []string{"docker.io/library/nginx", "ghcr.io/team/app"} {
		canonical, err := image.ParseRepository(official)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range canonical.Names() {
			t.Run(name.String(), func(t *testing.T) {
				t.Parallel()
				keeper := watching(t, name.String()+":1", name.String()+":1@linux/arm64")
				if err := keeper.SaveRepository(t.Context(), taglist.Repository{Name: name}, time.Now()); err != nil {
					t.Fatal(err)
				}
				for tag, want := range map[string][]string{
					"1": {name.String() + ":1", name.String() + ":1@linux/arm64"},
					"2": {"repository " + name.String()},
					"":  {"registry " + name.Registry, "repository " + name.String()},
				} {
					who := &reached{}
					if _, err := newWaker(keeper, who, 0, time.Now).wake(t.Context(), []push.Event{{Repository: canonical, Tag: tag}}); err != nil {
						t.Error(err)
					}
					slices.Sort(who.names)
					if diff := cmp.Diff(want, who.names); diff != "" {
						t.Errorf("a push of %q (-want +got)\n%s", tag, diff)
					}
				}
			})
		}
	}
}

// TestWakeDue: a deletion has the poll check the repository's tags, and at no
// others.
func TestWakeDue(t *testing.T) {
	t.Parallel()
	keeper := watching(t, "registry.example.com/shop/api:1", "registry.example.com/shop/other:1")
	if _, err := newWaker(keeper, &reached{}, 0, time.Now).wake(t.Context(), []push.Event{happened("shop/api", "")}); err != nil {
		t.Fatal(err)
	}
	due, err := keeper.Due(t.Context(), "registry.example.com", time.Now(), 10)
	if err != nil || len(due) != 1 || due[0].Target.String() != "registry.example.com/shop/api:1" {
		t.Errorf("due: %v, %v", due, err)
	}
}

func TestWakeFails(t *testing.T) {
	t.Parallel()
	away := errors.New("Temporal is away")
	keeper := watching(t, "registry.example.com/shop/api:1")
	for _, e := range []push.Event{happened("shop/api", "1"), happened("shop/api", ""), happened("shop/web", "v9")} {
		if _, err := newWaker(keeper, &reached{fails: away}, 0, time.Now).wake(t.Context(), []push.Event{e}); !errors.Is(err, away) {
			t.Errorf("%v: %v", e, err)
		}
	}
}

// TestWakeFlood: of many pushes of one tag, the first wakes at once and the rest
// together, after it: none is answered by a look that began before it came.
func TestWakeFlood(t *testing.T) {
	t.Parallel()
	keeper := watching(t, "registry.example.com/shop/api:1")
	who := &reached{}
	waking := newWaker(keeper, who, 200*time.Millisecond, time.Now)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if n, err := waking.wake(t.Context(), []push.Event{happened("shop/api", "1")}); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	all.Wait()
	if n := len(who.names); n < 2 || n > 20 {
		t.Errorf("200 pushes at once became %d wake-ups", n)
	}
}

// TestMergerBeginsAfter: a call that is asked for while one runs is another one.
func TestMergerBeginsAfter(t *testing.T) {
	t.Parallel()
	m := newMerger(0, time.Minute)
	running, release := make(chan struct{}), make(chan struct{})
	calls := 0
	call := func(context.Context) error {
		calls++
		if calls == 1 {
			close(running)
			<-release
		}
		return nil
	}
	var all sync.WaitGroup
	all.Go(func() { _ = m.do(t.Context(), "k", call) })
	<-running
	second := m.join("k", call)
	if third := m.join("k", call); third != second {
		t.Error("two that wait do not share a call")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.do(gone, "k", call); !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait gets %v", err)
	}
	close(release)
	<-second.done
	all.Wait()
	if calls != 2 {
		t.Errorf("%d calls, want 2", calls)
	}
}
