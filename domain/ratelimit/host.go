// Package ratelimit shares what a host allows between the workers of an installation.
//
// A worker takes a slice, some requests for about a second, when it has something to ask
// of a host and its last slice is used up. Nothing is written while nobody asks. A slice
// that a killed worker held lapses.
package ratelimit

import (
	"math"
	"time"
)

const (
	// slice is how long a slice lasts.
	slice = time.Second
	// grace is how long after its slice a worker's last requests may still arrive.
	grace = 10 * time.Second
	// hungry is how long a worker that wanted more is waited for by those that had more.
	hungry = 2 * time.Second
	// returns is how soon after its slice a worker has given back what it did not use.
	returns = 2 * time.Second
	// again is the pause before a worker asks anew where another one is about to know more.
	again = 100 * time.Millisecond
	// informed is how long an announcement is taken to be up to date: others may use
	// the same account or address.
	informed = time.Minute
	// probing is how long the first answer may take before another worker asks first.
	probing = 10 * time.Second
	// Longest is the longest window in which hosts are known to count.
	Longest = 6 * time.Hour
	// mostGrants bounds the memory of one window.
	mostGrants = 60
)

// Host is what the workers know together about one host. It never allows more than the
// host has confirmed: what a worker holds is taken to be used.
type Host struct {
	Next   time.Time        `json:"next"`            // by when the rate has paid for all slices so far
	Closed time.Time        `json:"closed,omitzero"` // until when the host wants to be left alone
	Slices map[string]*Held `json:"slices,omitempty"`
	Total  int64            `json:"total,omitempty"` // counted requests in all slices so far
	Probe  time.Time        `json:"probe,omitzero"`  // until when Prober finds out what the host allows
	Prober string           `json:"prober,omitempty"`

	Asked     bool          `json:"asked,omitempty"` // a counted request was answered
	Limit     int           `json:"limit,omitempty"` // 0: none is announced
	Window    time.Duration `json:"window,omitempty"`
	Reset     time.Time     `json:"reset,omitzero"`
	Seen      time.Time     `json:"seen,omitzero"`
	Remaining int           `json:"remaining,omitempty"` // not in a slice
	Grants    []Grant       `json:"grants,omitempty"`    // within the window, the oldest first
}

// Held is the last slice of a worker.
type Held struct {
	Counted int       `json:"counted,omitempty"` // requests that the host may still have to count
	Total   int64     `json:"total,omitempty"`   // counted requests in all slices of the worker
	Part    int64     `json:"part,omitempty"`    // the same, beginning with what the others had
	Wanted  time.Time `json:"wanted,omitzero"`   // when it last wanted counted requests
	Until   time.Time `json:"until"`
}

// Grant is how many counted requests were handed out by a time.
type Grant struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// Ask is what a worker wants, and what it learned since its last slice.
type Ask struct {
	Worker    string
	Now       time.Time
	PerSecond float64 // rate limit of the installation
	Want      int     // requests; 0 to report only
	Counted   bool    // the host counts them against the limit that it announces

	Returned int           // counted requests of the last slice that were not sent
	Flying   int           // counted requests that are not answered yet
	Closed   time.Duration // how long the host asked to wait
	News     *News
}

// News is what the latest answer announced.
type News struct {
	Limit     int // 0: nothing
	Remaining int // less what the worker itself has sent since
	Window    time.Duration
	Reset     time.Duration // until the host gives everything back; 0 unknown
	Age       time.Duration
	Basis     Basis // of the slice of the request that was answered
}

// Basis is what other workers had taken by the time of a slice.
type Basis struct {
	Outstanding int   // in slices that had not lapsed
	Total       int64 // ever
}

// Slice is the answer to an Ask.
type Slice struct {
	Requests int
	Counted  int           // of them, at most so many that the host counts
	Delay    time.Duration // until the slice begins
	Lasts    time.Duration // from then on
	Probing  bool          // its answer is to be reported at once
	Basis    Basis

	// Wait is how long there is nothing, for a reason: the host is Closed, or its limit
	// is UsedUp. Otherwise the worker asks again after it.
	Wait   time.Duration
	Closed bool
	UsedUp bool

	Workers int // that share the host
	Limit   int
	Window  time.Duration
}

// Share answers a worker. The host changes unless the answer is to wait and nothing was
// learned.
func (h *Host) Share(ask Ask) Slice {
	own := h.enter(ask)
	h.learn(ask, own)
	answer := Slice{Workers: len(h.Slices), Limit: h.Limit, Window: h.Window, Basis: h.basis(own)}
	if wait := h.Closed.Sub(ask.Now); wait > 0 {
		answer.Wait, answer.Closed = wait, true
		return answer
	}
	if ask.Want == 0 {
		return answer
	}
	perWorker := int(math.Ceil(ask.PerSecond / float64(len(h.Slices))))
	answer.Requests = max(1, min(ask.Want, perWorker))
	if ask.Counted && !h.count(ask, own, &answer) {
		answer.Requests = 0
		return answer
	}
	answer.Delay, answer.Lasts = h.pace(ask, answer.Requests)
	own.Counted, own.Until = answer.Counted+ask.Flying, ask.Now.Add(answer.Delay+answer.Lasts)
	return answer
}

// enter forgets slices that lapsed and takes the worker's last one back.
func (h *Host) enter(ask Ask) *Held {
	for worker, held := range h.Slices {
		if worker != ask.Worker && ask.Now.After(held.Until.Add(grace)) {
			delete(h.Slices, worker)
		}
	}
	own := h.Slices[ask.Worker]
	if own == nil {
		own = &Held{}
		if h.Slices == nil {
			h.Slices = map[string]*Held{}
		}
		h.Slices[ask.Worker] = own
	}
	if h.Limit > 0 {
		h.Remaining = min(h.Remaining+ask.Returned, h.Limit)
	}
	own.Counted, own.Until = ask.Flying, ask.Now
	if ask.Worker == h.Prober && ask.Flying == 0 {
		h.Probe = time.Time{} // with an answer or without
	}
	return own
}

func (h *Host) basis(own *Held) Basis {
	others := 0
	for _, held := range h.Slices {
		if held != own {
			others += held.Counted
		}
	}
	return Basis{others, h.Total - own.Total}
}

// learn takes what the worker reports.
func (h *Host) learn(ask Ask, own *Held) {
	if until := ask.Now.Add(min(ask.Closed, Longest)); ask.Closed > 0 && until.After(h.Closed) {
		h.Closed, h.Reset = until, until // the host knows better than we can reckon
	}
	news := ask.News
	if news == nil {
		return
	}
	h.Asked, h.Probe = true, time.Time{}
	if news.Limit == 0 {
		return
	}
	h.Limit, h.Window, h.Seen = news.Limit, news.Window, ask.Now.Add(-news.Age)
	if news.Reset > 0 {
		h.Reset = ask.Now.Add(min(news.Reset, Longest) + slice) // it is in whole seconds
	}
	// Since then each of the others may have used all that it had or got. What is
	// reckoned here is exact as long as nobody else uses the account or address.
	least := news.Remaining - news.Basis.Outstanding - int(h.Total-own.Total-news.Basis.Total)
	if h.Remaining < least || h.Remaining > news.Remaining {
		h.Remaining = max(least, 0)
	}
	h.trim()
}

// trim forgets grants that the host has forgotten.
func (h *Host) trim() {
	taken := 0
	for _, grant := range h.Grants {
		taken += grant.Count
	}
	for excess := taken - (h.Limit - h.Remaining); excess > 0 && len(h.Grants) > 0; {
		cut := min(excess, h.Grants[0].Count)
		h.Grants[0].Count, excess = h.Grants[0].Count-cut, excess-cut
		if h.Grants[0].Count == 0 {
			h.Grants = h.Grants[1:]
		}
	}
}

// count takes some of what the host allows, or says how long to wait.
func (h *Host) count(ask Ask, own *Held, answer *Slice) bool {
	now := ask.Now
	if !h.Asked || h.Limit > 0 && now.Sub(h.Seen) > informed {
		return h.probe(ask, own, answer)
	}
	if h.Limit == 0 {
		answer.Counted = answer.Requests
		return true
	}
	h.regain(now)
	if h.Remaining <= 0 && !h.reopen(now, own, answer) {
		return false
	}
	// The less is left, the smaller the slices: what one worker holds, no other can use.
	most := (h.Remaining + 2*len(h.Slices) - 1) / (2 * len(h.Slices))
	if h.ahead(now, own, int64(most)) {
		answer.Wait = again
		return false
	}
	answer.Counted = min(answer.Requests, most)
	h.take(now, own, answer.Counted)
	return true
}

// ahead reports that a worker had that much more than another one that wants more. One
// that wanted nothing for a while has not saved it up.
func (h *Host) ahead(now time.Time, own *Held, most int64) bool {
	least := int64(math.MaxInt64)
	for _, held := range h.Slices {
		if held != own && now.Sub(held.Wanted) < hungry {
			least = min(least, held.Part)
		}
	}
	if now.Sub(own.Wanted) >= hungry && least < math.MaxInt64 {
		own.Part = max(own.Part, least)
	}
	own.Wanted = now
	return own.Part-most >= least
}

// probe lets one worker send one counted request as long as it is not known what the
// host allows.
func (h *Host) probe(ask Ask, own *Held, answer *Slice) bool {
	now := ask.Now
	if now.Before(h.Probe) {
		answer.Wait = again
		return false
	}
	if h.Limit > 0 {
		h.regain(now)
		if h.Remaining <= 0 && !h.reopen(now, own, answer) {
			return false
		}
	}
	h.Probe, h.Prober = now.Add(probing), ask.Worker
	answer.Counted, answer.Probing = 1, true
	h.take(now, own, 1)
	return true
}

// reopen allows one request, whose answer tells more, if the host has given something
// back.
func (h *Host) reopen(now time.Time, own *Held, answer *Slice) bool {
	for _, held := range h.Slices {
		if held != own && held.Counted > 0 && now.Before(held.Until.Add(returns)) {
			answer.Wait = again // it may give something back
			return false
		}
	}
	if wait := h.opens(now); wait > 0 {
		answer.Wait, answer.UsedUp = wait, true
		return false
	}
	h.Remaining = 1
	return true
}

func (h *Host) take(now time.Time, own *Held, n int) {
	if h.Limit > 0 {
		h.Remaining -= n
		if last := len(h.Grants) - 1; last >= 0 && now.Sub(h.Grants[last].At) < h.span()/mostGrants {
			h.Grants[last] = Grant{now, h.Grants[last].Count + n}
		} else {
			h.Grants = append(h.Grants, Grant{now, n})
		}
	}
	h.Total += int64(n)
	own.Total += int64(n)
	own.Part += int64(n)
}

// regain takes back what the host has forgotten by now.
func (h *Host) regain(now time.Time) {
	if !h.Reset.IsZero() && !now.Before(h.Reset) {
		h.Reset, h.Grants, h.Remaining = time.Time{}, nil, max(h.Remaining, 1)
	}
	for len(h.Grants) > 0 && now.Sub(h.Grants[0].At) >= h.span() {
		h.Remaining = min(h.Remaining+h.Grants[0].Count, h.Limit)
		h.Grants = h.Grants[1:]
	}
}

// opens is how long until the host gives something back.
func (h *Host) opens(now time.Time) time.Duration {
	switch {
	case !h.Reset.IsZero():
		return h.Reset.Sub(now)
	case len(h.Grants) > 0:
		return h.span() - now.Sub(h.Grants[0].At)
	}
	return h.span() - now.Sub(h.Seen)
}

// span is the window, or what it may be, from the time of a grant: its last request
// arrives later.
func (h *Host) span() time.Duration {
	if h.Window == 0 {
		return time.Minute + returns
	}
	return min(h.Window, Longest) + returns
}

// pace pays for the requests. A second's worth may be sent at once.
func (h *Host) pace(ask Ask, n int) (delay, lasts time.Duration) {
	cost := time.Duration(float64(n) / ask.PerSecond * float64(time.Second))
	// No worker waits longer than for one slice of each: clocks may have been set.
	furthest := ask.Now.Add(time.Duration(len(h.Slices)) * max(slice, cost))
	if h.Next.Before(ask.Now) {
		h.Next = ask.Now
	} else if h.Next.After(furthest) {
		h.Next = furthest
	}
	h.Next = h.Next.Add(cost)
	burst := max(slice, cost)
	return max(0, h.Next.Sub(ask.Now)-burst), burst
}
