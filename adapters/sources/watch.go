package sources

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Watch calls changed whenever what a source reads may have changed, and once when it
// begins to watch. It returns when the stream ends, which is always with an error. What the
// stream says is not believed: it is a reason to read the source.
func (r *Reader) Watch(ctx context.Context, s source.Source, changed func()) error {
	switch s.Kind {
	case source.Docker:
		return r.watchEngine(ctx, s, changed)
	case source.Kubernetes:
		client, err := r.cluster(s)
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Watch(ctx, scopeOf(s), changed)
	}
	return fmt.Errorf("a source of kind %s announces no changes: %w", s.Kind, errkind.Invalid)
}

const (
	// engineEvents are those that change what runs, on nodes of a Swarm too. Others, as of health checks, come every
	// few seconds.
	engineEvents = `{"type":["container","service","node"],"event":["start","die","rename","create","update","remove"]}`
	// engineStreamTime is how long a stream of events is read before it is opened anew: an
	// engine that is gone without a word says nothing.
	engineStreamTime = time.Hour
	// largestEvent is how many bytes one event may have; its labels are in it.
	largestEvent = 1 << 20
)

var errStreamEnded = errors.New("the stream of events has ended")

// watchEngine follows the events of an engine.
func (r *Reader) watchEngine(ctx context.Context, s source.Source, changed func()) error {
	e, err := r.engineOf(s)
	if err != nil {
		return err
	}
	defer e.client.CloseIdleConnections()
	for {
		if err := e.watch(ctx, changed); err != nil {
			return err
		}
	}
}

// watch reads one stream of events; an error unless it has lasted its time.
func (e *engine) watch(ctx context.Context, changed func()) error {
	lasting, cancel := context.WithTimeout(ctx, engineStreamTime)
	defer cancel()
	body, err := e.open(lasting, "/events?filters="+url.QueryEscape(engineEvents))
	if err != nil {
		return err
	}
	defer body.Close()
	changed() // what happened before is not in the stream
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, largestEvent)
	for lines.Scan() {
		changed()
	}
	if lasting.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("watch the engine at %s: %w: %w", e.shown, errkind.Unavailable, errors.Join(lines.Err(), errStreamEnded))
}
