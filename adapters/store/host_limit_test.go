package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/ratelimit"
)

// TestShareHost has several stores take slices of one host at once: together they get what
// it announced, and no more.
func TestShareHost(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		const limit = 100
		stores := []*store.Store{open(t, url), open(t, url), open(t, url)}
		if _, err := stores[0].ShareHost(t.Context(), "registry x", ratelimit.Ask{Worker: "0", Now: start, PerSecond: 1e6, Want: 1, Counted: true}); err != nil {
			t.Fatal(err)
		}
		told := ratelimit.Ask{Worker: "0", Now: start, PerSecond: 1e6, News: &ratelimit.News{Limit: limit, Remaining: limit - 1, Window: time.Hour}}
		if _, err := stores[0].ShareHost(t.Context(), "registry x", told); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		total := 1
		for n, s := range stores {
			wg.Go(func() {
				for now := start; ; now = now.Add(time.Second) {
					slice, err := s.ShareHost(t.Context(), "registry x", ratelimit.Ask{Worker: string(rune('0' + n)), Now: now, PerSecond: 1e6, Want: 20, Counted: true})
					if err != nil {
						t.Error(err)
					}
					if err != nil || slice.UsedUp {
						return
					}
					mu.Lock()
					total += slice.Counted
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if total != limit {
			t.Errorf("%d requests handed out, want %d", total, limit)
		}
		// What a window allowed is forgotten long after it.
		if _, err := stores[0].Prune(t.Context(), start, start.Add(100*time.Hour)); err != nil {
			t.Fatal(err)
		}
		slice, err := stores[0].ShareHost(t.Context(), "registry x", ratelimit.Ask{Worker: "0", Now: start.Add(100 * time.Hour), PerSecond: 50, Want: 1})
		if err != nil || slice.Limit != 0 {
			t.Errorf("%+v, %v", slice, err)
		}
	})
}
