package registry_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/ratelimit"
	"github.com/tagwatch/tagwatch/lab"
)

// shared is a database of limits.
type shared struct {
	mu    sync.Mutex
	hosts map[string]*ratelimit.Host
	fails bool
	asked int
}

func (s *shared) Share(_ context.Context, host string, ask ratelimit.Ask) (ratelimit.Slice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fails {
		return ratelimit.Slice{}, errors.New("no connection")
	}
	ask.Now = time.Now()
	if s.hosts == nil {
		s.hosts = map[string]*ratelimit.Host{}
	}
	if s.hosts[host] == nil {
		s.hosts[host] = &ratelimit.Host{}
	}
	return s.hosts[host].Share(ask), nil
}

// TestAnnouncedLimitIsSharedByClients has three clients ask for more than the registry
// allows all of them.
func TestAnnouncedLimitIsSharedByClients(t *testing.T) {
	const limit = 100
	store, all := startLab(t), &shared{}
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	ref := reference(t, store.Reference("app:1"))
	store.Allow(lab.Quota{Limit: limit, Window: 6 * time.Hour, Heads: true})
	var group errgroup.Group
	var mu sync.Mutex
	total := 0
	for range 3 {
		client := newClient(t, registry.Options{RequestsPerSecond: 1e6, Shares: all})
		group.Go(func() error {
			for {
				answered, failures := poll(t, client, times(ref, 20))
				mu.Lock()
				total += answered
				mu.Unlock()
				for _, err := range failures {
					if retryAfter(err) > time.Hour {
						return nil
					}
					t.Error(err)
				}
			}
		})
	}
	_ = group.Wait() // failures are reported
	if store.Refused() != 0 || total > limit || total < limit*9/10 {
		t.Errorf("%d answered, %d refused with 429; want %d and none", total, store.Refused(), limit)
	}
	t.Logf("%d of %d requests answered, %d transactions", total, limit, all.asked)
}

func TestPauseStopsOtherClients(t *testing.T) {
	store, all := startLab(t), &shared{}
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	ref := reference(t, store.Reference("app:1"))
	options := registry.Options{RequestsPerSecond: 1e6, Shares: all}
	one, other := newClient(t, options), newClient(t, options)
	store.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"120"}}})
	if _, err := one.Head(t.Context(), ref); err == nil {
		t.Fatal("answered")
	}
	store.Heal()
	store.Forget()
	_, err := other.Head(t.Context(), ref)
	if wait := retryAfter(err); wait < time.Minute || len(store.Calls()) != 0 {
		t.Errorf("%v, %d requests", err, len(store.Calls()))
	}
}

// TestDatabaseOfLimitsIsDown: a client that cannot ask goes on with a fourth of the rate.
func TestDatabaseOfLimitsIsDown(t *testing.T) {
	store, all := startLab(t), &shared{fails: true}
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	ref := reference(t, store.Reference("app:1"))
	client := newClient(t, registry.Options{RequestsPerSecond: 40, Shares: all})
	began := time.Now()
	answered, failures := poll(t, client, times(ref, 25))
	most := 10 * (int(time.Since(began).Seconds()) + 1)
	if answered != 25 || answered > most {
		t.Errorf("%d answered in %s: %v", answered, time.Since(began), failures)
	}
	if all.asked > int(time.Since(began)/(5*time.Second))+2 {
		t.Errorf("the database was used %d times", all.asked)
	}
}

// TestLimitlessHostCostsLittle counts what a client that has everything to itself asks the
// database for.
func TestLimitlessHostCostsLittle(t *testing.T) {
	store, all := startLab(t), &shared{}
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	client := newClient(t, registry.Options{RequestsPerSecond: 1000, Shares: all})
	began := time.Now()
	if answered, failures := poll(t, client, times(reference(t, store.Reference("app:1")), 2000)); answered != 2000 {
		t.Fatal(failures)
	}
	if most := 8 + 4*int(time.Since(began).Seconds()+1); all.asked > most {
		t.Errorf("%d transactions for 2000 requests in %s, want %d at most", all.asked, time.Since(began), most)
	}
	t.Logf("%d transactions for 2000 requests", all.asked)
}
