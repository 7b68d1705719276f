package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/token"
)

// pollInterval is how often the database is read while there are streams.
const pollInterval = 500 * time.Millisecond

// News is what streams wait for.
type News interface {
	// LastNotification is the cursor of the notification that was stored last.
	LastNotification(context.Context) (int64, error)
	// TokensLeft are those of the ids whose tokens were not revoked.
	TokensLeft(ctx context.Context, ids []string) ([]string, error)
}

// poller asks the database for news, once for all streams of this worker.
type poller struct {
	news News
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	streams map[*stream]bool
	stop    context.CancelFunc // nil without streams
}

// stream is one reader of the notifications.
type stream struct {
	caller token.Token
	// stored has an item if notifications may have been stored since it was taken.
	stored chan struct{}
	// over is closed once the token is no longer valid.
	over chan struct{}
}

func (p *poller) enter(caller token.Token) *stream {
	entered := &stream{caller: caller, stored: make(chan struct{}, 1), over: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams[entered] = true; p.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.stop = cancel
		go p.poll(ctx)
	}
	return entered
}

func (p *poller) leave(left *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(p.streams, left); len(p.streams) == 0 && p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

// poll asks until the context ends. What cannot be read is no news: a stream that reads
// then fails by itself.
func (p *poller) poll(ctx context.Context) {
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	for last := int64(-1); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		p.endInvalid(ctx)
		found, err := p.news.LastNotification(ctx)
		if err != nil {
			p.log.WarnContext(ctx, "cannot read whether there are notifications for streams", "error", err)
			continue
		}
		if found != last {
			p.wake()
		}
		last = found
	}
}

func (p *poller) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for each := range p.streams {
		select {
		case each.stored <- struct{}{}:
		default: // it has not taken the last one yet
		}
	}
}

// endInvalid ends the streams whose tokens were revoked or have expired.
func (p *poller) endInvalid(ctx context.Context) {
	ids := p.tokens()
	left, err := p.news.TokensLeft(ctx, ids)
	if err != nil {
		p.log.WarnContext(ctx, "cannot read the tokens of streams", "error", err)
		left = ids
	}
	valid := map[string]bool{}
	for _, id := range left {
		valid[id] = true
	}
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for each := range p.streams {
		if each.caller.Expired(p.now()) || asked[each.caller.ID] && !valid[each.caller.ID] {
			close(each.over)
			delete(p.streams, each)
		}
	}
}

// tokens are the ids of the tokens that have streams.
func (p *poller) tokens() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]bool{}
	var ids []string
	for each := range p.streams {
		if id := each.caller.ID; each.caller.Stored() && !known[id] {
			known[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
