package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
)

// sseEvent is an event as a client of the specification dispatches it.
type sseEvent struct {
	id, kind, data string
}

// events dispatches the events of a stream until it ends. What was not ended by an empty
// line is not dispatched.
func events(stream io.Reader, dispatch func(sseEvent)) {
	lines := bufio.NewReader(stream)
	var e sseEvent
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "":
			if line == "\n" {
				dispatch(e)
				e.kind, e.data = "", ""
			} else {
				e.kind = "comment " + value
			}
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		}
	}
}

// open begins to stream.
func (f *fixture) open(ctx context.Context, name, query, last string) *http.Response {
	f.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/api/v1/notifications/stream"+query, nil)
	f.must(err)
	request.Header.Set("Authorization", "Bearer "+f.tokens[name])
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request)
	f.must(err)
	f.Cleanup(func() { response.Body.Close() })
	return response
}

func (f *fixture) publish(id, subject string, payload string) error {
	n := notification.Notification{ID: id, Type: notification.VulnUpdate, Subject: subject, Cause: notification.CauseFeed, Created: now, Summary: id, Payload: json.RawMessage(payload)}
	_, err := f.store.Publish(f.Context(), n, subscription.Options{}, time.Hour)
	return err
}

// TestStreamCutAtRandom: a client whose stream is cut a hundred times, anywhere in the
// answer, has every notification once and in order, while several transactions at a time
// store notifications. The client is never far behind them.
func TestStreamCutAtRandom(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const writers, ofOne, cuts, ahead = 8, 60, 100, 10
		room, storing := make(chan struct{}, ahead), sync.WaitGroup{}
		for writer := range writers {
			storing.Go(func() {
				for i := range ofOne {
					room <- struct{}{}
					if err := f.publish(fmt.Sprintf("%d-%d", writer, i), inside, `{"cause": "feed"}`); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var cursor int64
		var came [writers]int
		last, all, cut := "0", 0, 0
		for all < writers*ofOne || cut < cuts {
			ctx, cancel := context.WithCancel(t.Context())
			var source io.Reader = f.open(ctx, "read", "?subject="+inside, last).Body
			if cut < cuts {
				source = io.LimitReader(source, rand.Int64N(1500))
			}
			events(source, func(e sseEvent) {
				if last = e.id; e.data == "" {
					return
				}
				var n struct {
					Cursor int64
					ID     string
				}
				f.must(json.Unmarshal([]byte(e.data), &n))
				if n.Cursor <= cursor {
					t.Fatalf("%s at %d came after %d", n.ID, n.Cursor, cursor)
				}
				cursor = n.Cursor
				var writer, i int
				if found, _ := fmt.Sscanf(n.ID, "%d-%d", &writer, &i); found < 2 || len(n.ID) > 5 {
					return // of the fixture
				}
				if i != came[writer] {
					t.Fatalf("%s came when %d-%d was to come", n.ID, writer, came[writer])
				}
				came[writer]++
				<-room
				if all++; all == writers*ofOne {
					cancel()
				}
			})
			cut++
			cancel()
		}
		storing.Wait()
	})
}

// TestStreamBounds: a stream shows what its token may see and its filter selects, from now
// on without a cursor, and ends once the token is revoked.
func TestStreamBounds(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		came := make(chan sseEvent, 100)
		response := f.open(t.Context(), "web-read", "?type=vuln_update", "")
		go func() {
			events(response.Body, func(e sseEvent) { came <- e })
			close(came)
		}()
		if first := <-came; first.data != "" || first.kind != "comment now" {
			t.Errorf("it begins with %+v", first)
		}
		f.must(f.publish("hidden", outside, "{}"))
		f.must(f.publish("seen", inside, "{}"))
		if e := <-came; !strings.Contains(e.data, `"id":"seen"`) || e.kind != "" {
			t.Errorf("it goes on with %+v", e)
		}
		f.must(f.store.DeleteToken(t.Context(), "web-read", now))
		if e := <-came; e.kind != "end" || !strings.Contains(e.data, "revoked") {
			t.Errorf("it ends with %+v", e)
		}
		if _, more := <-came; more {
			t.Error("it goes on after its end")
		}
		if response, _ := f.send("web-read", "GET", "/api/v1/notifications/stream", ""); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("again: %d", response.StatusCode)
		}
	})
}

// TestStreamLimits: a token has so many streams at a time, and others have theirs.
func TestStreamLimits(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var open []*http.Response
		for range 8 {
			response := f.open(t.Context(), "read", "", "")
			f.untilNow(response.Body)
			open = append(open, response)
		}
		f.expect(f.send("read", "GET", "/api/v1/notifications/stream", ""))(http.StatusTooManyRequests, "the ninth stream")
		if response, body := f.send("act", "GET", "/api/v1/notifications/stream", ""); response.StatusCode != http.StatusOK {
			t.Errorf("the first of another token: %d %s", response.StatusCode, body)
		}
		open[0].Body.Close()
		f.freed("read")
		f.expect(f.send("read", "GET", "/api/v1/notifications/stream?after=x", ""))(http.StatusUnprocessableEntity, "an invalid cursor")
		f.expect(f.send("read", "GET", "/api/v1/notifications/stream?type=none", ""))(http.StatusUnprocessableEntity, "an invalid type")
	})
}

// freed waits until the token may have another stream.
func (f *fixture) freed(name string) {
	f.Helper()
	for {
		if response, _ := f.send(name, "GET", "/api/v1/notifications/stream", ""); response.StatusCode == http.StatusOK {
			return
		}
		time.Sleep(100 * time.Millisecond) // the rate limit of a token
	}
}

// TestStreamExpires: the stream of a token ends when the token expires.
func TestStreamExpires(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		made, text, err := token.New("short", token.Read, nil, now.Add(-time.Hour), now.Add(time.Minute))
		f.must(err)
		f.must(f.store.SaveToken(t.Context(), made))
		f.tokens["short"] = text
		body := f.open(t.Context(), "short", "", "").Body
		f.untilNow(body)
		f.passed.Add(int64(time.Minute))
		rest, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(rest), "event: end") || !strings.Contains(string(rest), "expired") {
			t.Errorf("it ends with %s, %v", rest, err)
		}
	})
}

// TestStreamBeyondTheServer: a stream outlives what the server allows other answers, ends
// when the server stops, and a client that does not read is cut off.
func TestStreamBeyondTheServer(t *testing.T) {
	f := newFixture(t, storetest.Open(t))
	listener, err := httpserver.Listen("127.0.0.1:0")
	f.must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpserver.Serve(ctx, listener, f.handler) }()
	f.url = "http://" + listener.Addr().String()

	for i := range 40 { // more than the kernel keeps for a client that does not read
		f.must(f.publish(fmt.Sprintf("large-%d", i), inside, `{"text": "`+strings.Repeat(fmt.Sprint(i), 1<<19)+`"}`))
	}
	silent, err := net.Dial("tcp", listener.Addr().String())
	f.must(err)
	defer silent.Close()
	f.must(silent.(*net.TCPConn).SetReadBuffer(4096))
	_, err = fmt.Fprintf(silent, "GET /api/v1/notifications/stream?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", f.tokens["act"])
	f.must(err)
	body := f.open(t.Context(), "read", "", "").Body
	if !testing.Short() {
		for lines := bufio.NewScanner(body); lines.Scan() && lines.Text() != ": alive"; {
		}
		f.must(f.publish("later", inside, "{}")) // after the read timeout of the server
	}
	f.must(f.publish("last", inside, "{}"))
	for lines := bufio.NewScanner(body); lines.Scan() && !strings.Contains(lines.Text(), `"id":"last"`); {
	}
	for range 7 {
		f.untilNow(f.open(t.Context(), "act", "", "").Body)
	}
	f.freed("act") // by the silent client, which has the eighth
	stop()
	rest, err := io.ReadAll(body)
	if err != nil || !strings.Contains(string(rest), "event: end") {
		t.Errorf("when the server stops: %s, %v", rest, err)
	}
	if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
