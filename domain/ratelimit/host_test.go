package ratelimit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/ratelimit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// counting is a host that allows so many requests in each window, which begins with its
// first request.
type counting struct {
	limit   int
	window  time.Duration
	reset   bool // it says when the window ends
	began   time.Time
	used    int
	refused int
}

func (h *counting) answer(now time.Time) *ratelimit.News {
	if h.began.IsZero() || now.Sub(h.began) >= h.window {
		h.began, h.used = now, 0
	}
	h.used++
	if h.used > h.limit {
		h.refused++
	}
	news := &ratelimit.News{Limit: h.limit, Window: h.window, Remaining: max(0, h.limit-h.used)}
	if h.reset {
		news.Reset = h.began.Add(h.window).Sub(now).Truncate(time.Second)
	}
	return news
}

// worker sends the requests of its slices, one at a step, and learns from each answer.
type worker struct {
	name  string
	slice ratelimit.Slice
	ends  time.Time
	begin time.Time
	sleep time.Time // the host is left alone until then
	news  *ratelimit.News
	heard time.Time
	sent  int
}

func (w *worker) step(t *testing.T, h *ratelimit.Host, host *counting, now time.Time, rate float64) {
	if now.Before(w.sleep) {
		return
	}
	if w.slice.Counted == 0 || !now.Before(w.ends) {
		ask := ratelimit.Ask{Worker: w.name, Now: now, PerSecond: rate, Want: int(rate), Counted: true, Returned: w.slice.Counted, News: w.news}
		if w.news != nil {
			w.news.Age = now.Sub(w.heard)
			w.news.Reset = max(0, w.news.Reset-w.news.Age)
		}
		w.slice, w.news = share(t, h, ask), nil
		w.begin = now.Add(w.slice.Delay)
		w.ends, w.sleep = w.begin.Add(w.slice.Lasts), now.Add(w.slice.Wait)
	}
	if w.slice.Counted == 0 || now.Before(w.begin) {
		return
	}
	w.slice.Counted--
	w.sent++
	w.news, w.heard = host.answer(now), now
	w.news.Basis = w.slice.Basis
	if w.slice.Probing {
		share(t, h, ratelimit.Ask{Worker: w.name, Now: now, PerSecond: rate, News: w.news})
		w.news = nil
	}
}

// share asks by way of what is stored.
func share(t *testing.T, h *ratelimit.Host, ask ratelimit.Ask) ratelimit.Slice {
	t.Helper()
	slice := h.Share(ask)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	*h = ratelimit.Host{}
	if err := json.Unmarshal(text, h); err != nil {
		t.Fatal(err)
	}
	return slice
}

// TestAnnouncedLimitIsShared: whoever asks when, and whoever is killed, the host never
// gets a request too many, and most of what it allows is used.
func TestAnnouncedLimitIsShared(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		workers, limit int
		window         time.Duration
		reset          bool
	}{
		{1, 100, time.Minute, false}, {4, 100, time.Minute, false}, {4, 100, time.Minute, true}, {16, 100, time.Minute, true}, {4, 3, 10 * time.Second, false},
	} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%d workers, %d in %s, %v, %d", test.workers, test.limit, test.window, test.reset, seed), func(t *testing.T) {
				host, h, random := &counting{limit: test.limit, window: test.window, reset: test.reset}, &ratelimit.Host{}, rand.New(rand.NewPCG(seed, 0))
				var workers []*worker
				for n := range test.workers {
					workers = append(workers, &worker{name: fmt.Sprint(n)})
				}
				windows := 4
				for now := noon; now.Before(noon.Add(time.Duration(windows) * test.window)); now = now.Add(time.Duration(random.IntN(20)+1) * time.Millisecond) {
					n := random.IntN(len(workers))
					workers[n].step(t, h, host, now, 50)
					if random.IntN(2000) == 0 { // killed; another one starts
						workers[n] = &worker{name: fmt.Sprint(now.UnixNano()), sent: workers[n].sent}
					}
				}
				total := 0
				for _, w := range workers {
					total += w.sent
				}
				if host.refused > 0 {
					t.Errorf("%d of %d requests were too many", host.refused, total)
				}
				// A worker that was killed keeps what it had of a window.
				if least := test.limit * (windows - 1) / 2; total < least {
					t.Errorf("%d requests in %d windows of %d", total, windows, test.limit)
				}
			})
		}
	}
}

func TestPauseIsShared(t *testing.T) {
	t.Parallel()
	h := &ratelimit.Host{}
	share(t, h, ratelimit.Ask{Worker: "a", Now: noon, PerSecond: 50, Closed: 2 * time.Minute})
	slice := share(t, h, ratelimit.Ask{Worker: "b", Now: noon.Add(time.Second), PerSecond: 50, Want: 10})
	if !slice.Closed || slice.Wait != 119*time.Second || slice.Requests != 0 {
		t.Errorf("%+v", slice)
	}
	if slice = share(t, h, ratelimit.Ask{Worker: "b", Now: noon.Add(2 * time.Minute), PerSecond: 50, Want: 10}); slice.Requests != 10 {
		t.Errorf("%+v", slice)
	}
}

// TestRateIsShared counts what workers that always want more get in ten seconds.
func TestRateIsShared(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		workers int
		rate    float64
	}{{1, 50}, {4, 50}, {4, 2}, {3, 0.5}, {1, 2000}} {
		h, got := &ratelimit.Host{}, make([]int, test.workers)
		free := make([]time.Time, test.workers) // when the slice of each is used
		for now := noon; now.Before(noon.Add(10 * time.Second)); now = now.Add(5 * time.Millisecond) {
			for n := range got {
				if now.Before(free[n]) {
					continue
				}
				slice := share(t, h, ratelimit.Ask{Worker: fmt.Sprint(n), Now: now, PerSecond: test.rate, Want: int(test.rate) + 1})
				got[n] += slice.Requests
				free[n] = now.Add(slice.Delay)
			}
		}
		total := 0
		for _, n := range got {
			total += n
		}
		// A second's worth at once, ten seconds, and what begins after them.
		if most := int(12*test.rate) + test.workers*max(1, int(test.rate)) + 1; total > most || total < int(10*test.rate) {
			t.Errorf("%d workers at %g a second got %v in 10 s, %d in all", test.workers, test.rate, got, total)
		}
	}
}

// TestClockThatWasSet: a worker whose clock was hours ahead keeps nobody waiting.
func TestClockThatWasSet(t *testing.T) {
	t.Parallel()
	h := &ratelimit.Host{}
	share(t, h, ratelimit.Ask{Worker: "a", Now: noon.Add(3 * time.Hour), PerSecond: 50, Want: 50})
	if slice := share(t, h, ratelimit.Ask{Worker: "b", Now: noon, PerSecond: 50, Want: 10}); slice.Requests != 10 || slice.Delay > 3*time.Second {
		t.Errorf("%+v", slice)
	}
}

// TestHostWithoutLimit hands out slices without an end once one answer announced none.
func TestHostWithoutLimit(t *testing.T) {
	t.Parallel()
	h := &ratelimit.Host{}
	first := share(t, h, ratelimit.Ask{Worker: "a", Now: noon, PerSecond: 50, Want: 10, Counted: true})
	other := share(t, h, ratelimit.Ask{Worker: "b", Now: noon, PerSecond: 50, Want: 10, Counted: true})
	if first.Counted != 1 || !first.Probing || other.Requests != 0 || other.Wait == 0 || other.Closed || other.UsedUp {
		t.Errorf("before the first answer: %+v, %+v", first, other)
	}
	share(t, h, ratelimit.Ask{Worker: "a", Now: noon, PerSecond: 50, News: &ratelimit.News{}})
	if other = share(t, h, ratelimit.Ask{Worker: "b", Now: noon, PerSecond: 50, Want: 10, Counted: true}); other.Counted != 10 || other.Probing {
		t.Errorf("after it: %+v", other)
	}
}
