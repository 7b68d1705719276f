package registry

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// informedFor is how long an announcement is taken to be up to date: others
	// may use the same account or address.
	informedFor = time.Minute
	// mostRemembered bounds the memory of one host's requests. Limits above it
	// are kept by the announcements alone.
	mostRemembered = 10_000
)

// allowance is what a host says that it allows, after
// https://docs.docker.com/docker-hub/usage/pulls/ and
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, and
// what was taken of it. It never assumes more than the host has confirmed:
// requests whose answers are still to come are taken to have been counted, and
// one is taken to be given back when it is older than the window.
type allowance struct {
	limit     int           // 0: none was announced
	remaining int           // may be taken
	window    time.Duration // in which the host counts; 0 unknown
	reset     time.Time     // when the host gives everything back; zero unknown
	asked     bool          // a counted request was answered
	seen      time.Time     // of the last announcement, or answer without one

	taken  []time.Time // counted requests within the window
	sent   int         // counted requests so far
	flying int         // of them without an answer
	lowest int         // announced since requests are under way; -1 none
}

// ticket is what was known when a request was sent.
type ticket struct{ sent, flying int }

func (a *allowance) watch() ticket { return ticket{a.sent, a.flying} }

// fresh reports whether it is known what the host allows.
func (a *allowance) fresh(now time.Time) bool {
	return a.asked && (a.limit == 0 || now.Sub(a.seen) < informedFor)
}

// undecided is a wait for the next answer, which tells more.
const undecided time.Duration = -1

// take counts a request that is about to be sent, or reports how long to wait.
func (a *allowance) take(now time.Time) (ticket, time.Duration) {
	a.regain(now)
	if a.limit > 0 && a.remaining <= 0 {
		if a.flying > 0 {
			return ticket{}, undecided
		}
		if wait := a.opens(now); wait > 0 {
			return ticket{}, wait
		}
		a.remaining = 1 // its answer tells more
	}
	if a.flying == 0 {
		a.lowest = -1
	}
	t := ticket{sent: a.sent + 1, flying: a.flying}
	a.sent, a.flying = a.sent+1, a.flying+1
	a.remaining--
	if len(a.taken) < mostRemembered {
		a.taken = append(a.taken, now)
	}
	return t, 0
}

// regain takes back what the host has forgotten by now.
func (a *allowance) regain(now time.Time) {
	if !a.reset.IsZero() && !now.Before(a.reset) {
		a.reset, a.taken = time.Time{}, nil
		a.remaining = max(a.remaining, 1)
	}
	past := 0
	for past < len(a.taken) && now.Sub(a.taken[past]) >= a.span() {
		past++
	}
	a.taken = a.taken[past:]
	if a.limit > 0 {
		a.remaining = min(a.remaining+past, a.limit)
	}
}

// opens is how long until the host gives something back.
func (a *allowance) opens(now time.Time) time.Duration {
	switch {
	case !a.reset.IsZero():
		return min(a.reset.Sub(now), longestCoolDown)
	case len(a.taken) > 0:
		return a.span() - now.Sub(a.taken[0])
	}
	return a.span() - now.Sub(a.seen)
}

func (a *allowance) span() time.Duration {
	if a.window == 0 {
		return longestPause
	}
	return min(a.window, longestCoolDown)
}

// settle takes an answer, or the lack of one.
func (a *allowance) settle(t ticket, counted bool, said http.Header, now time.Time) {
	if counted {
		a.flying--
	}
	if said == nil {
		return
	}
	if counted {
		a.asked, a.seen = true, now
	}
	limit, remaining, ok := announced(said)
	if !ok {
		return
	}
	a.limit, a.window, a.seen = limit.count, limit.window, now
	if at := announcedReset(said, now); !at.IsZero() {
		a.reset = at
	}
	a.update(t, remaining.count)
}

// update reckons what is left. The answer was given before all requests that
// were sent since, and perhaps before those that were under way: at worst each
// of them takes one. Once none is under way, the lowest announcement is exact.
func (a *allowance) update(t ticket, announced int) {
	if a.lowest < 0 || announced < a.lowest {
		a.lowest = announced
	}
	a.remaining = announced - t.flying - (a.sent - t.sent)
	if a.flying == 0 {
		a.remaining, a.lowest = a.lowest, -1
	}
	if counts := a.limit - a.remaining; counts >= 0 && len(a.taken) > counts {
		a.taken = a.taken[len(a.taken)-counts:] // the host has forgotten the older ones
	}
}

// usedUp says why nothing is asked.
func (a *allowance) usedUp() string {
	text := fmt.Sprintf("allows %d requests", a.limit)
	if a.window > 0 {
		text += " in " + shortly(a.window)
	}
	return text + ", and they are used up"
}

// shortly is a duration without its zeros: 6h, not 6h0m0s.
func shortly(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// quantity is a value as "100;w=21600".
type quantity struct {
	count  int
	window time.Duration
}

// announced reads RateLimit-Limit and RateLimit-Remaining, with or without the
// older "X-" before them.
func announced(said http.Header) (limit, remaining quantity, ok bool) {
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-"} {
		limit, ok = parseQuantity(said.Get(prefix + "Limit"))
		if !ok || limit.count < 1 {
			continue
		}
		if remaining, ok = parseQuantity(said.Get(prefix + "Remaining")); ok {
			return limit, remaining, true
		}
	}
	return quantity{}, quantity{}, false
}

func parseQuantity(text string) (q quantity, ok bool) {
	parts := strings.Split(text, ";")
	count, err := strconv.ParseInt(strings.TrimSpace(parts[0]), 10, 32)
	if err != nil || count < 0 {
		return q, false
	}
	q.count = int(count)
	for _, part := range parts[1:] {
		value, found := strings.CutPrefix(strings.TrimSpace(part), "w=")
		if seconds, err := strconv.ParseInt(value, 10, 32); found && err == nil && seconds > 0 {
			q.window = time.Duration(seconds) * time.Second
		}
	}
	return q, true
}

// resetPattern is the time in RateLimit of the draft's later versions, as
// "default";r=0;t=50, or limit=100, remaining=0, reset=50 in between.
var resetPattern = regexp.MustCompile(`(?:^|[;,\s])(?:t|reset)=([0-9]+)`)

// announcedReset reads RateLimit-Reset: seconds, as the draft has it, or a time
// of day in seconds since 1970, as GitLab and GitHub send.
func announcedReset(said http.Header, now time.Time) time.Time {
	candidates := []string{said.Get("RateLimit-Reset"), said.Get("X-RateLimit-Reset")}
	if found := resetPattern.FindStringSubmatch(said.Get("RateLimit")); found != nil {
		candidates = append(candidates, found[1])
	}
	for _, text := range candidates {
		value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(value >= 0) {
			continue
		}
		if value > firstEpoch {
			value -= float64(now.Unix())
		}
		return now.Add(secondsOf(value))
	}
	return time.Time{}
}
