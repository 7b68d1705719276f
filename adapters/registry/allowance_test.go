package registry

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func says(pairs ...string) http.Header {
	header := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		header.Set(pairs[i], pairs[i+1])
	}
	return header
}

func TestAnnouncementsAreRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name             string
		header           http.Header
		limit, remaining int
		window           time.Duration
		reset            time.Duration
	}{
		{"Docker Hub", says("ratelimit-limit", "100;w=21600", "ratelimit-remaining", "98;w=21600", "docker-ratelimit-source", "192.0.2.1"), 100, 98, 6 * time.Hour, 0},
		{"draft of the IETF", says("RateLimit-Limit", "10", "RateLimit-Remaining", "0", "RateLimit-Reset", "50"), 10, 0, 0, 50 * time.Second},
		{"GitLab", says("RateLimit-Limit", "60", "RateLimit-Remaining", "59", "RateLimit-Reset", fmt.Sprint(now.Add(time.Minute).Unix())), 60, 59, 0, time.Minute},
		{"GitHub", says("X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4999", "X-RateLimit-Reset", fmt.Sprint(now.Add(time.Hour).Unix())), 5000, 4999, 0, time.Hour},
		{"several windows", says("RateLimit-Limit", "100;w=60; comment=x", "RateLimit-Remaining", "7"), 100, 7, time.Minute, 0},
		{"a limit alone", says("RateLimit-Limit", "100;w=60"), 0, 0, 0, 0},
		{"nonsense", says("RateLimit-Limit", "many", "RateLimit-Remaining", "-4"), 0, 0, 0, 0},
		{"nothing is allowed", says("RateLimit-Limit", "0", "RateLimit-Remaining", "0"), 0, 0, 0, 0},
		{"too much", says("RateLimit-Limit", "99999999999999999999", "RateLimit-Remaining", "1"), 0, 0, 0, 0},
		{"reset in a year", says("RateLimit-Limit", "1", "RateLimit-Remaining", "0", "RateLimit-Reset", "31536000"), 1, 0, 0, 6 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			limit, remaining, _ := announced(test.header)
			if limit.count != test.limit || remaining.count != test.remaining || limit.window != test.window {
				t.Errorf("limit %+v, remaining %+v", limit, remaining)
			}
			reset := time.Duration(0)
			if at := announcedReset(test.header, now); !at.IsZero() {
				reset = at.Sub(now)
			}
			if reset != test.reset {
				t.Errorf("reset in %s, want %s", reset, test.reset)
			}
		})
	}
}

// server counts requests as registries do, in a window that slides or one that
// is fixed.
type server struct {
	limit   int
	window  time.Duration
	sliding bool
	began   time.Time
	counted []time.Time
	refused int
}

func (s *server) answer(now time.Time) http.Header {
	if !s.sliding && now.Sub(s.began) >= s.window {
		s.began, s.counted = now, nil
	}
	for s.sliding && len(s.counted) > 0 && now.Sub(s.counted[0]) >= s.window {
		s.counted = s.counted[1:]
	}
	if len(s.counted) >= s.limit {
		s.refused++
	} else {
		s.counted = append(s.counted, now)
	}
	return says("RateLimit-Limit", fmt.Sprintf("%d;w=%d", s.limit, int(s.window.Seconds())), "RateLimit-Remaining", fmt.Sprint(s.limit-len(s.counted)))
}

// However a registry counts, what it allows is used window after window, and
// nothing more.
func TestAllowanceOverManyWindows(t *testing.T) {
	t.Parallel()
	for _, sliding := range []bool{false, true} {
		for _, every := range []time.Duration{time.Second, 37 * time.Second, 10 * time.Minute} {
			t.Run(fmt.Sprintf("sliding %t, asked every %s", sliding, every), func(t *testing.T) {
				t.Parallel()
				const windows = 5
				s, a := server{limit: 100, window: 6 * time.Hour, sliding: sliding}, allowance{}
				now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
				sent, end := 0, now.Add(windows*s.window)
				for ; now.Before(end); now = now.Add(every) {
					ticket, wait := a.take(now)
					if wait > s.window {
						t.Fatalf("waits %s", wait)
					}
					if wait != 0 {
						continue
					}
					sent++
					a.settle(ticket, true, s.answer(now), now.Add(100*time.Millisecond))
				}
				least := windows*s.limit - windows
				if every == 10*time.Minute {
					least = windows * 36 // the registry allows more than is asked
				}
				if s.refused > 0 || sent < least {
					t.Errorf("%d sent, %d of them refused; want at least %d, and none", sent, s.refused, least)
				}
			})
		}
	}
}

// Answers that overtake each other do not make it seem as if more were left.
func TestAllowanceWithAnswersOutOfOrder(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, a := server{limit: 10, window: time.Hour}, allowance{}
	first, _ := a.take(now)
	a.settle(first, true, s.answer(now), now)
	for s.refused == 0 {
		var flying []ticket
		var answers []http.Header
		for len(flying) < 4 {
			ticket, wait := a.take(now)
			if wait != 0 {
				break
			}
			flying, answers = append(flying, ticket), append(answers, s.answer(now))
		}
		if len(flying) == 0 {
			break
		}
		for i := len(flying) - 1; i >= 0; i-- { // the last answer comes first
			a.settle(flying[i], true, answers[i], now)
		}
	}
	if s.refused != 0 || len(s.counted) != s.limit {
		t.Errorf("%d sent, %d refused; want %d and none", len(s.counted), s.refused, s.limit)
	}
}

// Somebody else with the same account uses it up meanwhile.
func TestAllowanceIsShared(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var a allowance
	ticket, _ := a.take(now)
	a.settle(ticket, true, says("RateLimit-Limit", "100;w=3600", "RateLimit-Remaining", "0"), now)
	if _, wait := a.take(now.Add(time.Minute)); wait != 59*time.Minute {
		t.Errorf("waits %s, want 59m", wait)
	}
	// A request that does not count reports that there is something again.
	a.settle(a.watch(), false, says("RateLimit-Limit", "100;w=3600", "RateLimit-Remaining", "5"), now.Add(2*time.Minute))
	if _, wait := a.take(now.Add(2 * time.Minute)); wait != 0 {
		t.Errorf("waits %s although 5 are left", wait)
	}
}

// A request without an answer may have been counted.
func TestAllowanceWithoutAnswers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var a allowance
	ticket, _ := a.take(now)
	a.settle(ticket, true, says("RateLimit-Limit", "3;w=3600", "RateLimit-Remaining", "2"), now)
	for range 2 {
		ticket, wait := a.take(now)
		if wait != 0 {
			t.Fatalf("waits %s", wait)
		}
		a.settle(ticket, true, nil, now)
	}
	if _, wait := a.take(now); wait != time.Hour {
		t.Errorf("waits %s, want an hour", wait)
	}
}

func TestDockerHubCountsPullsOnly(t *testing.T) {
	t.Parallel()
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		host, method, path string
		want               bool
	}{
		{"docker.io", http.MethodHead, "/v2/library/nginx/manifests/1", false},
		{"docker.io", http.MethodGet, "/v2/library/nginx/manifests/1", true},
		{"docker.io", http.MethodGet, "/v2/library/nginx/blobs/sha256:0", false},
		{"docker.io", http.MethodGet, "/v2/library/nginx/tags/list", false},
		{"registry-1.docker.io", http.MethodHead, "/v2/library/nginx/manifests/1", false},
		{"ghcr.io", http.MethodHead, "/v2/nginx/manifests/1", true},
		{"ghcr.io", http.MethodGet, "/v2/", false},
	} {
		h, err := client.host(test.host)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(test.method, "https://"+test.host+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.counts(req); got != test.want {
			t.Errorf("%s counts %s %s: %t, want %t", test.host, test.method, test.path, got, test.want)
		}
	}
}
