package activities

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// StreamPace are the times at which the streams of sources are followed.
type StreamPace struct {
	// Refresh is how often it is checked which sources there are.
	Refresh time.Duration
	// Delay is how long a wake-up waits for more changes, Gap the least time between two
	// wake-ups of one source: each makes it be read as a whole.
	Delay, Gap time.Duration
	// Retry is the wait before a stream that failed is opened again. It doubles up to
	// LongestRetry.
	Retry, LongestRetry time.Duration
}

// OrdinaryStreamPace is that of workers.
var OrdinaryStreamPace = StreamPace{Refresh: 15 * time.Second, Delay: 2 * time.Second, Gap: time.Minute, Retry: 5 * time.Second, LongestRetry: 5 * time.Minute}

// changingWait is the time until the next reading when something is gone from a source
// whose changes are announced, as the second reading in a row ends it, and when something
// is about to start.
const changingWait = 2 * time.Minute

// FollowStreams holds a stream to each source that announces its changes, until the
// context ends. A change only wakes the workflow of the source, which reads all of it: what
// a stream says is never stored, and what it misses is found at the next interval.
//
// It is no step of a workflow. Every worker holds all streams, so none has to be taken over
// when a worker is killed, and a second wake-up only costs a reading. States are kept of
// those that should be open.
func (a *Activities) FollowStreams(ctx context.Context, pace StreamPace, states *StreamStates) {
	open := map[string]openStream{}
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		sources, err := a.Store.Sources(ctx)
		if err == nil {
			a.matchStreams(ctx, sources, open, &all, pace, states)
		} else if ctx.Err() == nil {
			a.Log.WarnContext(ctx, "sources not listed, their streams stay as they are", "error", err)
		}
		sleep(ctx, pace.Refresh)
	}
}

type openStream struct {
	source source.Source
	end    context.CancelFunc
}

// matchStreams opens the streams of new sources, and ends those of sources that are gone
// or have other settings.
func (a *Activities) matchStreams(ctx context.Context, sources []source.Source, open map[string]openStream, all *sync.WaitGroup, pace StreamPace, states *StreamStates) {
	wanted := map[string]source.Source{}
	for _, s := range sources {
		if s.Kind.Streamed() {
			wanted[s.Name] = s
		}
	}
	for name, stream := range open {
		if !reflect.DeepEqual(stream.source, wanted[name]) {
			stream.end()
			delete(open, name)
			states.end(name)
		}
	}
	for name, s := range wanted {
		if _, is := open[name]; is {
			continue
		}
		own, end := context.WithCancel(ctx)
		open[name] = openStream{s, end}
		changes := make(chan struct{}, 1)
		state := states.begin(name)
		all.Go(func() {
			a.followStream(own, s, pace, func() { states.opened(state, a.now()); note(changes) }, func() { states.failed(state, a.now()); note(changes) })
		})
		all.Go(func() { a.wakeOnChange(own, name, pace, changes) })
	}
}

// note leaves one change for whoever waits for it.
func note(changes chan struct{}) {
	select {
	case changes <- struct{}{}:
	default:
	}
}

// followStream opens the stream of a source again whenever it fails. That it does is a
// change too: the reading that follows says what is wrong. Failed is called once for each
// time that it is down.
func (a *Activities) followStream(ctx context.Context, s source.Source, pace StreamPace, changed, failed func()) {
	failures := 0
	for {
		var opened atomic.Bool
		err := a.Sources.Watch(ctx, s, func() { opened.Store(true); changed() })
		if ctx.Err() != nil {
			return
		}
		if opened.Load() {
			failures = 0
		}
		if failures == 0 {
			a.Log.WarnContext(ctx, "stream of a source failed, it is opened again", "source", s.Name, "error", err)
			failed()
		}
		sleep(ctx, jittered(min(pace.Retry<<min(failures, 10), pace.LongestRetry)))
		failures++
	}
}

// wakeOnChange wakes the workflow of a source after changes, several at once.
func (a *Activities) wakeOnChange(ctx context.Context, name string, pace StreamPace, changes chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
		}
		sleep(ctx, pace.Delay)
		select {
		case <-changes:
		default:
		}
		if ctx.Err() != nil {
			return
		}
		if err := a.Watchers.WakeSource(ctx, name, watcher.WakeChange); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "source not woken after a change, it is tried again", "source", name, "error", err)
			note(changes)
		}
		sleep(ctx, pace.Gap)
	}
}

// sleep waits, at most until the context ends.
func sleep(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}
