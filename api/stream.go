package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	// keepAlive is how often a stream without events sends a comment, so that proxies
	// keep it open and a client that has gone is noticed.
	keepAlive = 15 * time.Second
	// writeTimeout is how long a client may take for what a stream writes at once. The
	// server's own limit would end the stream.
	writeTimeout = 10 * time.Second
	// mostStreams and mostStreamsOfOne bound the streams of this worker and of one token.
	mostStreams, mostStreamsOfOne = 256, 8
	eventStream                   = "text/event-stream"
)

// isStream reports that the answer to a request has no end.
func isStream(r *http.Request) bool { return r.URL.Path == prefix+operations.StreamPath }

// streaming serves the notifications as Server-Sent Events.
//
// Specification: https://html.spec.whatwg.org/multipage/server-sent-events.html
func streaming() route {
	described := describe(operations.StreamNotifications)
	described.Description += " The answer has no end. The id of an event is the cursor behind its notification: a client that connects again sends the last one as Last-Event-ID." +
		" The comment \"now\" says that everything stored so far was sent. An event of the type end is the last one, with a problem as its data."
	described.Responses = map[string]*huma.Response{"200": {Description: "Notifications, each as an event whose data is the JSON of GET /notifications/{id}.",
		Content: map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	return route{Operation: described, register: func(s *server, api huma.API) {
		served := described
		served.Middlewares = huma.Middlewares{s.allowed(operations.StreamNotifications.Name, operations.StreamNotifications.Admit)}
		huma.Register(api, served, func(ctx context.Context, in *operations.StreamRequest) (*huma.StreamResponse, error) {
			return s.openStream(ctx, *in)
		})
	}}
}

// openStream takes the first step, so that what is wrong with the request is a problem.
func (s *server) openStream(ctx context.Context, in operations.StreamRequest) (*huma.StreamResponse, error) {
	first, err := operations.StreamNotifications.Run(ctx, s.system(ctx), in)
	if err != nil {
		return nil, s.problemOf(ctx, operations.StreamNotifications.Name, err)
	}
	caller := callerOf(ctx)
	leave, ok := s.places.enter(caller.ID)
	if !ok {
		return nil, huma.ErrorWithHeaders(newProblem(http.StatusTooManyRequests, fmt.Sprintf("too many streams: %d with this token, or %d of this worker; end others first", mostStreamsOfOne, mostStreams)), retryAfter)
	}
	return &huma.StreamResponse{Body: func(with huma.Context) {
		defer leave()
		r, w := humago.Unwrap(with)
		out := &eventWriter{w: w, wire: http.NewResponseController(w)}
		out.open()
		s.stream(r.Context(), out, caller, in, first)
	}}, nil
}

// stream sends steps until the client or the worker ends it, the token is no longer valid,
// or a step fails.
func (s *server) stream(ctx context.Context, out *eventWriter, caller token.Token, in operations.StreamRequest, step operations.NotificationList) {
	waiting := s.poller.enter(caller)
	defer s.poller.leave(waiting)
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for said := false; ; {
		in.LastEvent = step.Next
		if out.send(step) != nil {
			return
		}
		if !step.More {
			if !said {
				out.say("now", step.Next)
				said = true
			}
			if !s.wait(ctx, out, waiting, alive.C, step.Next) {
				return
			}
		}
		var err error
		if step, err = operations.StreamNotifications.Run(ctx, s.system(ctx), in); err != nil {
			out.end(s.problemOf(ctx, operations.StreamNotifications.Name, err))
			return
		}
	}
}

// wait waits for notifications; false once the stream is to end.
func (s *server) wait(ctx context.Context, out *eventWriter, waiting *stream, alive <-chan time.Time, cursor string) bool {
	for {
		select {
		case <-waiting.stored:
			return true
		case <-waiting.over:
			out.end(newProblem(http.StatusUnauthorized, "the token has expired or was revoked"))
			return false
		case <-httpserver.Stopping(ctx):
			out.end(newProblem(http.StatusServiceUnavailable, "the worker stops; connect again"))
			return false
		case <-ctx.Done():
			return false
		case <-alive:
			if out.say("alive", cursor) != nil {
				return false
			}
		}
	}
}

// eventWriter writes events, each within a time of its own.
type eventWriter struct {
	w    http.ResponseWriter
	wire *http.ResponseController
}

func (e *eventWriter) open() {
	header := e.w.Header()
	header.Set("Content-Type", eventStream)
	header.Set("X-Accel-Buffering", "no")   // has nginx pass events on at once
	_ = e.wire.SetReadDeadline(time.Time{}) // where that is not possible, the client connects again
	e.w.WriteHeader(http.StatusOK)
}

// send writes the notifications of a step, each as an event.
func (e *eventWriter) send(step operations.NotificationList) error {
	for _, n := range step.Notifications {
		data, err := json.Marshal(n)
		if err != nil {
			return err
		}
		if err := e.write(fmt.Appendf(nil, "id: %d\ndata: %s\n\n", n.Cursor, data)); err != nil {
			return err
		}
	}
	return nil
}

// say writes a comment, and the cursor for a client that connects again: notifications
// that it does not receive may have passed since the last event.
func (e *eventWriter) say(comment, cursor string) error {
	return e.write(fmt.Appendf(nil, ": %s\nid: %s\n\n", comment, cursor))
}

// end says why the stream ends.
func (e *eventWriter) end(why error) {
	data, err := json.Marshal(why)
	if err == nil {
		_ = e.write(fmt.Appendf(nil, "event: end\ndata: %s\n\n", bytes.ReplaceAll(data, []byte("\n"), nil))) // it ends anyway
	}
}

func (e *eventWriter) write(text []byte) error {
	_ = e.wire.SetWriteDeadline(time.Now().Add(writeTimeout)) // where that is not possible, the server's holds
	if _, err := e.w.Write(text); err != nil {
		return err
	}
	return e.wire.Flush()
}
