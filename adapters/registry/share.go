package registry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/ratelimit"
)

// Shares is where the workers of an installation share what hosts allow. It sets the
// time of each Ask.
type Shares interface {
	Share(ctx context.Context, host string, ask ratelimit.Ask) (ratelimit.Slice, error)
}

const (
	// shareTimeout bounds the wait for the database.
	shareTimeout = 2 * time.Second
	// fewestSharers is how many workers are taken to share a host, at least, while the
	// database does not say.
	fewestSharers = 4
	// shareAgain is how long a worker goes on by itself before it asks the database anew.
	shareAgain = 5 * time.Second
)

// share is this worker's part of what the installation may ask of one host.
type share struct {
	shares    Shares
	worker    string
	host      string
	perSecond float64
	log       *slog.Logger

	turn chan struct{} // held by the one who takes; others wait for the same slice

	mu      sync.Mutex
	slice   ratelimit.Slice
	lone    bool // the slice is none of the installation's
	begins  time.Time
	ends    time.Time
	want    int
	sent    int // counted requests so far
	flying  int // of them without an answer
	news    *announcement
	without time.Time // until when the database is not asked, because it failed
	refusal error     // until refused
	refused time.Time
}

// announcement is what the answer to a request said.
type announcement struct {
	ratelimit.News
	sent int
	at   time.Time
}

// leave is one request of a slice.
type leave struct {
	counted bool
	probing bool
	sent    int
	flying  int
	basis   ratelimit.Basis
}

// newShare is nil where nothing is shared.
func newShare(client *Registry, host string, perSecond float64) *share {
	if client == nil || client.options.Shares == nil {
		return nil
	}
	return &share{shares: client.options.Shares, worker: client.id, host: host, perSecond: perSecond, log: client.log, turn: make(chan struct{}, 1)}
}

// take waits for one request.
func (s *share) take(ctx context.Context, counted bool) (leave, error) {
	if s == nil {
		return leave{}, nil
	}
	if err := wait(ctx, s.turn, s.host); err != nil {
		return leave{}, err
	}
	defer func() { <-s.turn }()
	for {
		if taken, ok := s.fromSlice(counted); ok {
			return taken, s.begin(ctx, taken)
		}
		pause, err := s.next(ctx, counted)
		if err != nil {
			return leave{}, err
		}
		if err := s.pause(ctx, pause); err != nil {
			return leave{}, err
		}
	}
}

// fromSlice takes a request of the slice that is there.
func (s *share) fromSlice(counted bool) (leave, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slice.Requests == 0 || counted && s.slice.Counted == 0 || !time.Now().Before(s.ends) {
		return leave{}, false
	}
	s.slice.Requests--
	taken := leave{counted: counted, probing: counted && s.slice.Probing, flying: s.flying, basis: s.slice.Basis}
	if counted {
		s.slice.Counted--
		s.sent++
		s.flying++
	}
	taken.sent = s.sent
	return taken, true
}

// begin waits for the slice to begin.
func (s *share) begin(ctx context.Context, taken leave) error {
	s.mu.Lock()
	begins := s.begins
	s.mu.Unlock()
	delay := time.Until(begins)
	if delay <= 0 {
		return nil
	}
	if deadline, bounded := ctx.Deadline(); bounded && deadline.Before(begins) {
		s.giveBack(taken)
		return &noTurnError{s.host, fmt.Errorf("the rate limit of %g requests a second is in demand", s.perSecond)}
	}
	err := s.pause(ctx, delay)
	if err != nil {
		s.giveBack(taken)
	}
	return err
}

func (s *share) pause(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &noTurnError{s.host, context.Cause(ctx)}
	}
}

// giveBack returns a request that was not sent.
func (s *share) giveBack(taken leave) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slice.Requests++
	if taken.counted {
		s.slice.Counted++
		s.sent--
		s.flying--
	}
}

// next takes the next slice, or says how long to wait before asking again.
func (s *share) next(ctx context.Context, counted bool) (time.Duration, error) {
	s.mu.Lock()
	now := time.Now()
	if now.Before(s.refused) {
		defer s.mu.Unlock()
		return 0, s.refusal
	}
	if s.slice.Requests == 0 && now.Before(s.ends) {
		s.want *= 2 // the last one was too small
	} else {
		s.want = s.quarter()
	}
	s.want = max(1, min(s.want, int(s.perSecond)))
	want := s.want
	s.mu.Unlock()
	slice, err := s.ask(ctx, want, counted, 0)
	switch {
	case ctx.Err() != nil:
		return 0, &noTurnError{s.host, context.Cause(ctx)}
	case err != nil:
		s.fail(err)
		s.alone(counted)
		return 0, nil
	case slice.Closed || slice.UsedUp:
		return 0, s.refuse(slice)
	}
	return slice.Wait, nil
}

func (s *share) quarter() int { return int(s.perSecond/4) + 1 }

// refuse remembers for a second that the host is left alone, so that not everybody
// who has something to ask costs a transaction.
func (s *share) refuse(slice ratelimit.Slice) error {
	refusal := &CoolDownError{Host: s.host, why: asksToWait(slice.Wait), wait: slice.Wait, limited: true}
	if slice.UsedUp {
		spent := allowance{limit: slice.Limit, window: slice.Window}
		refusal.why = spent.usedUp()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal, s.refused = refusal, time.Now().Add(min(slice.Wait, time.Second))
	return refusal
}

// ask reports what is new and takes a slice; want 0 reports only.
func (s *share) ask(ctx context.Context, want int, counted bool, closed time.Duration) (ratelimit.Slice, error) {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock() // others take nothing of a slice that is given back
	now := time.Now()
	if now.Before(s.without) {
		return ratelimit.Slice{}, errWithout
	}
	ask := ratelimit.Ask{Worker: s.worker, PerSecond: s.perSecond, Want: want, Counted: counted, Closed: closed, Flying: s.flying}
	if !s.lone {
		ask.Returned = s.slice.Counted
	}
	if s.news != nil {
		news := s.news.News
		news.Remaining -= s.sent - s.news.sent
		news.Age = now.Sub(s.news.at)
		news.Reset = max(0, news.Reset-news.Age)
		ask.News = &news
	}
	slice, err := s.shares.Share(ctx, s.host, ask)
	if err != nil {
		return slice, err
	}
	s.slice, s.lone, s.news, s.without = slice, false, nil, time.Time{}
	s.begins = time.Now().Add(slice.Delay)
	s.ends = s.begins.Add(slice.Lasts)
	if slice.Limit > 0 && slice.Counted > 0 {
		ends := s.ends
		time.AfterFunc(time.Until(ends), func() { s.lapse(ends) })
	}
	return slice, nil
}

// lapse gives back what was not used of the slice that ended then: others may wait for
// it.
func (s *share) lapse(ended time.Time) {
	s.mu.Lock()
	left := s.ends.Equal(ended) && s.slice.Counted > 0
	s.mu.Unlock()
	if left {
		s.report(0)
	}
}

var errWithout = fmt.Errorf("the database failed a moment ago")

// fail leaves the database alone for a while.
func (s *share) fail(err error) {
	if err == errWithout {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.without.IsZero() {
		s.log.Warn("rate limit not shared with other workers, goes on with a part of it", "host", s.host, "error", err)
	}
	s.without = time.Now().Add(shareAgain)
}

// alone is what a worker allows itself while the database cannot be reached: as if it
// shared the host evenly with those that it knew of last, and three others at least. What
// it had of a slice is not given back.
func (s *share) alone(counted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sharers := max(s.slice.Workers, fewestSharers)
	part := s.perSecond / float64(sharers)
	lasts := max(time.Second, time.Duration(float64(time.Second)/part))
	known := ratelimit.Slice{Workers: s.slice.Workers, Limit: s.slice.Limit, Window: s.slice.Window, Basis: s.slice.Basis}
	known.Requests = max(1, int(part))
	known.Counted = known.Requests
	if counted && known.Limit > 0 {
		known.Requests, known.Counted = 1, 1
		lasts = max(lasts, time.Duration(sharers)*known.Window/time.Duration(known.Limit))
	}
	// The slice begins when the one before it would have ended.
	s.begins = time.Now()
	if s.ends.After(s.begins) {
		s.begins = s.ends
	}
	s.slice, s.lone, s.ends = known, true, s.begins.Add(lasts)
}

// end takes the answer to a request; nil if there was none.
func (s *share) end(taken leave, resp *http.Response, closed time.Duration) {
	if s == nil {
		return
	}
	s.mu.Lock()
	if taken.counted {
		s.flying--
	}
	if resp != nil {
		s.hear(taken, resp.Header)
	}
	s.mu.Unlock()
	if taken.probing || closed > 0 {
		s.report(closed)
	}
}

// report tells the other workers at once. Should it fail, this worker still knows, and
// tells with its next slice.
func (s *share) report(closed time.Duration) {
	_, _ = s.ask(context.Background(), 0, false, closed)
}

// hear keeps what the latest request's answer announces.
func (s *share) hear(taken leave, said http.Header) {
	now := time.Now()
	limit, remaining, ok := announced(said)
	if !ok && !taken.probing || s.news != nil && s.news.sent > taken.sent {
		return
	}
	heard := ratelimit.News{Basis: taken.basis}
	if ok {
		heard.Limit, heard.Window, heard.Remaining = limit.count, limit.window, remaining.count-taken.flying
		if at := announcedReset(said, now); at.After(now) {
			heard.Reset = at.Sub(now)
		}
	}
	s.news = &announcement{News: heard, sent: taken.sent, at: now}
}
