package webhook_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
)

// outcome is what an attempt comes to, and what follows from it.
type outcome struct {
	Status     int
	RetryAfter time.Duration
	Failure    webhook.Failure
	Verdict    delivery.Verdict
}

// Every way in which a receiver fails, as one real exchange each.
func TestReceiversThatFail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start func(*testing.T) string // returns the URL
		want  outcome
		says  string // in the error or the excerpt
	}{
		{"connection refused", closedPort, outcome{0, 0, webhook.FailureConnect, delivery.VerdictRetry}, "connection refused"},
		{"connection reset", raw(reset), outcome{0, 0, webhook.FailureConnect, delivery.VerdictRetry}, "reset"},
		{"closed without an answer", raw(func(*net.TCPConn) {}), outcome{0, 0, webhook.FailureConnect, delivery.VerdictRetry}, "EOF"},
		{"not HTTP", raw(says("SSH-2.0-OpenSSH_9.6\r\n")), outcome{0, 0, webhook.FailureConnect, delivery.VerdictRetry}, "malformed HTTP"},
		{"unknown host", url("http://unknown.example.com/"), outcome{0, 0, webhook.FailureDNS, delivery.VerdictRetry}, "no such host"},
		{"untrusted certificate", https, outcome{0, 0, webhook.FailureTLS, delivery.VerdictRetry}, "certificate"},
		{"no TLS", noTLS, outcome{0, 0, webhook.FailureTLS, delivery.VerdictRetry}, "TLS"},
		{"slow headers", handler(stall), outcome{0, 0, webhook.FailureTimeout, delivery.VerdictRetry}, "no answer within 200ms"},
		{"endless headers", raw(endlessHeaders), outcome{0, 0, webhook.FailureConnect, delivery.VerdictRetry}, "exceeded"},
		{"slow body", handler(slowBody), outcome{200, 0, "", delivery.VerdictDelivered}, "I have it"},
		{"endless body", handler(endlessBody), outcome{200, 0, "", delivery.VerdictDelivered}, "for ever and ever"},
		{"slow body of an error", handler(slowError), outcome{503, 0, "", delivery.VerdictRetry}, "one moment"},
		{"body cut short", raw(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")), outcome{200, 0, "", delivery.VerdictDelivered}, "short"},
		{"redirect to a metadata address", handler(redirect), outcome{302, 0, "", delivery.VerdictRetry}, ""},
		{"bad request", handler(answer(400, "what is tag_update?")), outcome{400, 0, "", delivery.VerdictFinal}, "what is tag_update?"},
		{"not found", handler(status(404)), outcome{404, 0, "", delivery.VerdictRetry}, ""},
		{"gone", handler(status(410)), outcome{410, 0, "", delivery.VerdictDisable}, ""},
		{"too early", handler(status(425)), outcome{425, 0, "", delivery.VerdictRetry}, ""},
		{"too many requests", handler(wait("120", 429)), outcome{429, 2 * time.Minute, "", delivery.VerdictRetry}, ""},
		{"server error", handler(answer(500, "out of\x1b[31m order\x00")), outcome{500, 0, "", delivery.VerdictRetry}, "out of[31m order"},
		{"unavailable for a year", handler(wait("99999999999", 503)), outcome{503, 365 * 24 * time.Hour, "", delivery.VerdictRetry}, ""},
		{"unreadable Retry-After", handler(wait("soon", 503)), outcome{503, 0, "", delivery.VerdictRetry}, ""},
		{"accepted without content", handler(status(204)), outcome{204, 0, "", delivery.VerdictDelivered}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := test.start(t)
			sender := newSender(t, webhook.Options{Resolver: (&names{}).resolver(t)})
			got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: address, Timeout: timeoutFor(test.name)}, newMessage())
			result := outcome{got.Status, got.RetryAfter, webhook.FailureOf(got.Err), delivery.Judge(got.Status)}
			if diff := cmp.Diff(test.want, result); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, got.Err)
			}
			if text := textOf(got); !strings.Contains(text, test.says) {
				t.Errorf("%q does not say %q", text, test.says)
			}
			if (got.Err == nil) != (got.Status > 0) || len(got.Excerpt) > webhook.MaxExcerpt {
				t.Errorf("status %d with error %v and an excerpt of %d bytes", got.Status, got.Err, len(got.Excerpt))
			}
		})
	}
}

// textOf is all text of an answer.
func textOf(a delivery.Answer) string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return a.Excerpt
}

func TestOurOwnStopIsNotTheReceivers(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
		close(arrived)
		stall(w, request)
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-arrived
		stop()
	}()
	got := newSender(t, webhook.Options{}).Send(ctx, endpoint.Endpoint{Name: "e", URL: r.URL}, newMessage())
	if webhook.FailureOf(got.Err) != webhook.FailureCancelled {
		t.Errorf("failure %q, want %q: %v", webhook.FailureOf(got.Err), webhook.FailureCancelled, got.Err)
	}
}

func handler(h http.HandlerFunc) func(*testing.T) string {
	return func(t *testing.T) string { return newReceiver(t, h).URL }
}

func url(text string) func(*testing.T) string { return func(*testing.T) string { return text } }

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func wait(retryAfter string, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(code)
	}
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
}

// stall reads the body, without which a server does not notice that its caller
// left, and holds the request until then.
func stall(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func slowBody(w http.ResponseWriter, r *http.Request) { trickle(w, r, 200, "I have it") }

func slowError(w http.ResponseWriter, r *http.Request) { trickle(w, r, 503, "one moment") }

func trickle(w http.ResponseWriter, r *http.Request, code int, beginning string) {
	w.WriteHeader(code)
	_, _ = io.WriteString(w, beginning)
	_ = http.NewResponseController(w).Flush()
	stall(w, r)
}

func endlessBody(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat("for ever and ever ", 1000)); err != nil {
			return
		}
	}
}

func closedPort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return "http://" + listener.Addr().String()
}

// raw is a receiver that does to each connection what speak does, once the head
// of a request is there.
func raw(speak func(*net.TCPConn)) func(*testing.T) string {
	return func(t *testing.T) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return // closed
				}
				_, _ = connection.Read(make([]byte, 4096))
				speak(connection.(*net.TCPConn))
				connection.Close()
			}
		}()
		return "http://" + listener.Addr().String()
	}
}

func reset(connection *net.TCPConn) { _ = connection.SetLinger(0) }

func says(text string) func(*net.TCPConn) {
	return func(connection *net.TCPConn) { _, _ = io.WriteString(connection, text) }
}

func endlessHeaders(connection *net.TCPConn) {
	_, err := io.WriteString(connection, "HTTP/1.1 200 OK\r\n")
	for err == nil {
		_, err = io.WriteString(connection, "X-More: "+strings.Repeat("more", 1000)+"\r\n")
	}
}

func https(t *testing.T) string {
	server := httptest.NewUnstartedServer(status(200))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func noTLS(t *testing.T) string {
	return strings.Replace(handler(status(200))(t), "http://", "https://", 1)
}

// timeoutFor is short only where the receiver makes the sender wait for it: a busy
// machine must not change what else becomes of a message.
func timeoutFor(receiver string) time.Duration {
	switch receiver {
	case "slow headers":
		return 200 * time.Millisecond
	case "slow body", "endless body", "slow body of an error":
		return 2 * time.Second
	default:
		return time.Minute
	}
}
