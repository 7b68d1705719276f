package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// TestExpecting: a change that is based on other settings than the stored ones is refused,
// and changes nothing.
func TestExpecting(t *testing.T) {
	ctx := context.Background()
	app := watched(t)
	for name, kind := range map[string]struct {
		save    func(*store.Store, time.Duration) error
		remove  func(*store.Store) error
		edition func(*store.Store) (int64, error)
	}{
		"endpoint": {func(s *store.Store, timeout time.Duration) error {
			return s.SaveEndpoint(ctx, endpoint.Endpoint{Name: "hook", URL: "https://a.example", Timeout: timeout}, at(0))
		}, func(s *store.Store) error { return s.DeleteEndpoint(ctx, "hook", at(0)) }, func(s *store.Store) (int64, error) {
			e, err := s.Endpoint(ctx, "hook")
			return e.Edition, err
		}},
		"repository": {func(s *store.Store, list time.Duration) error {
			return s.SaveRepository(ctx, taglist.Repository{Name: app.Name, List: list}, at(0))
		}, func(s *store.Store) error { return s.DeleteRepository(ctx, app.Name, at(0)) }, func(s *store.Store) (int64, error) {
			_, state, err := s.Repository(ctx, app.Name)
			return state.Edition, err
		}},
		"source": {func(s *store.Store, list time.Duration) error {
			return s.SaveSource(ctx, source.Source{Name: "shop", Kind: source.File, Paths: []string{"/srv/list"}, List: list}, at(0))
		}, func(s *store.Store) error {
			_, err := s.DeleteSource(ctx, "shop", at(0))
			return err
		}, func(s *store.Store) (int64, error) {
			_, state, err := s.Source(ctx, "shop")
			return state.Edition, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				if err := kind.save(s.Expecting(store.Expected{Any: true}), time.Minute); !errors.Is(err, store.ErrChanged) {
					t.Errorf("of none: %v", err)
				}
				check(t, kind.save(s, time.Minute))
				first := must[int64](t)(kind.edition(s))
				check(t, kind.save(s.Expecting(store.Expected{Any: true}), time.Hour))
				second := must[int64](t)(kind.edition(s))
				if first == 0 || second == first {
					t.Fatalf("editions %d, %d", first, second)
				}
				old := s.Expecting(store.Expected{Editions: []int64{first}})
				for doing, err := range map[string]error{"save": kind.save(old, 2*time.Hour), "remove": kind.remove(old), "expecting none of them": kind.save(s.Expecting(store.Expected{Editions: []int64{}}), 0)} {
					if !errors.Is(err, store.ErrChanged) || !errors.Is(err, errkind.Conflict) {
						t.Errorf("%s: %v", doing, err)
					}
				}
				if now := must[int64](t)(kind.edition(s)); now != second {
					t.Errorf("the refused change made edition %d of %d", now, second)
				}
				check(t, kind.remove(s.Expecting(store.Expected{Editions: []int64{first, second}})))
				check(t, kind.save(s, time.Minute))
				if again := must[int64](t)(kind.edition(s)); again == first || again == second {
					t.Errorf("what was made anew has an edition again: %d", again)
				}
			})
		})
	}
}

// TestEditAtOnce: of many changes that are based on the same settings, one is made.
func TestEditAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := audit.As(t.Context(), ada)
		check(t, s.SaveEndpoint(ctx, hook(), at(0)))
		seen := must[endpoint.Endpoint](t)(s.Endpoint(ctx, "hook"))
		made := make([]error, 8)
		var all sync.WaitGroup
		for i := range made {
			all.Go(func() {
				_, made[i] = s.Expecting(store.Expected{Editions: []int64{seen.Edition}}).EditEndpoint(ctx, "hook", at(i), func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
					before.Timeout = time.Duration(i+1) * time.Second
					return *before, nil
				})
			})
		}
		all.Wait()
		won := -1
		for i, err := range made {
			switch {
			case err == nil && won < 0:
				won = i
			case !errors.Is(err, store.ErrChanged):
				t.Errorf("change %d: %v", i, err)
			}
		}
		now := must[endpoint.Endpoint](t)(s.Endpoint(ctx, "hook"))
		if won < 0 || now.Timeout != time.Duration(won+1)*time.Second || len(trailOf(t, s)) != 2 {
			t.Errorf("change %d was made, stored is %+v, the trail has %d rows", won, now, len(trailOf(t, s)))
		}
	})
}

// TestEditEndpointAnew: of many who make the same endpoint, one does.
func TestEditEndpointAnew(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		exists := errors.New("it exists")
		made := make([]error, 8)
		var all sync.WaitGroup
		for i := range made {
			all.Go(func() {
				_, made[i] = s.EditEndpoint(t.Context(), "hook", at(i), func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
					if before != nil {
						return *before, exists
					}
					return hook(), nil
				})
			})
		}
		all.Wait()
		fresh := 0
		for i, err := range made {
			if err == nil {
				fresh++
			} else if !errors.Is(err, exists) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if fresh != 1 {
			t.Errorf("made by %d", fresh)
		}
	})
}
