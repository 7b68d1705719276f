package remote_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/remote"
)

// system works at a server; set changes the options.
func system(t *testing.T, server *httptest.Server, set ...func(*remote.Options)) *operations.System {
	t.Helper()
	address, err := remote.Address(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := remote.Options{Server: address, Token: "twt_planted", Agent: "tagwatch/test"}
	for _, each := range set {
		each(&o)
	}
	client, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &operations.System{Remote: client}
}

func serve(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server
}

// answers writes a fixed answer.
func answers(status int, kind, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// TestRequests: a request is where the API expects it, with the token in its header.
func TestRequests(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body map[string]any
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, body = r, nil
		_ = json.NewDecoder(r.Body).Decode(&body)
		answers(http.StatusOK, "application/json; charset=utf-8", `{"next": "5"}`)(w, r)
	})
	s := system(t, server)
	since := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	list, err := operations.ListNotifications.Run(t.Context(), s, operations.NotificationsRequest{
		Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate}, Subject: "a b/c:1&2", Newest: true, Page: operations.Page{Limit: 7, After: "x"}})
	if err != nil || list.Next != "5" {
		t.Fatalf("%v %+v", err, list)
	}
	if want := "/api/v1/notifications?after=x&limit=7&newest=true&subject=a+b%2Fc%3A1%262&type=tag_update%2Cvuln_update"; got.RequestURI != want {
		t.Errorf("asked for %s, want %s", got.RequestURI, want)
	}
	if got.Header.Get("Authorization") != "Bearer twt_planted" || got.Header.Get("User-Agent") != "tagwatch/test" {
		t.Errorf("headers %v", got.Header)
	}
	if _, err := operations.ListAudit.Run(t.Context(), s, operations.AuditRequest{Since: since}); err != nil || got.URL.Query().Get("since") != since.Format(time.RFC3339Nano) {
		t.Errorf("%v: asked for %s", err, got.RequestURI)
	}
	for name, path := range map[string]string{"ci": "/api/v1/tokens/ci", "a/b?": "/api/v1/tokens/a%2Fb%3F", "..": "/api/v1/tokens/%2E%2E"} {
		if _, err := operations.RevokeToken.Run(t.Context(), s, operations.RevokeRequest{Name: name}); err != nil || got.RequestURI != path || got.Method != http.MethodDelete {
			t.Errorf("%v: %s %s, want %s", err, got.Method, got.RequestURI, path)
		}
	}
	for name, change := range map[string]func(operations.Conditional) error{
		"a change in the body": func(seen operations.Conditional) error {
			_, err := operations.SaveEndpoint.Run(t.Context(), s, operations.EndpointChange{Conditional: seen})
			return err
		},
		"a change in the address": func(seen operations.Conditional) error {
			_, err := operations.RemoveEndpoint.Run(t.Context(), s, operations.EndpointRemoval{Conditional: seen})
			return err
		},
	} {
		for _, seen := range []string{`"7"`, ""} {
			if err := change(operations.Conditional{IfMatch: seen}); err != nil || got.Header.Get("If-Match") != seen || strings.Contains(got.RequestURI, "Match") || body["IfMatch"] != nil {
				t.Errorf("%s based on %q: %v, %s with %v", name, seen, err, got.RequestURI, got.Header)
			}
		}
	}
	_, err = operations.Rescan.Run(t.Context(), s, operations.RescanRequest{Tags: []string{"nginx:1.27"}})
	if diff := cmp.Diff(map[string]any{"tags": []any{"nginx:1.27"}}, body); err != nil || diff != "" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v: body (-want +got)\n%s", err, diff)
	}
}

// TestRefusals: what the server refuses is the error that the operation would give here.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		status     int
		kind       error
		says       string
	}{
		{"not found", `{"detail": "a:1 is not watched", "kind": "NotFound", "hint": "watch it"}`, 404, errkind.NotFound, "a:1 is not watched"},
		{"conflict", `{"detail": "changed meanwhile", "kind": "Conflict"}`, 409, errkind.Conflict, "changed meanwhile"},
		{"other settings", `{"detail": "endpoint ops was changed", "kind": "Conflict"}`, 412, operations.ErrChanged, "endpoint ops was changed"},
		{"limit", `{"detail": "too many", "kind": "Limit"}`, 422, errkind.Limit, "too many"},
		{"forbidden", `{"detail": "needs scope act", "kind": "Forbidden"}`, 403, errkind.Unauthorized, "needs scope act"},
		{"unavailable", `{"detail": "Temporal is not reachable", "kind": "Unavailable"}`, 503, errkind.Unavailable, "Temporal is not reachable"},
		{"of the description", `{"detail": "validation failed", "kind": "Invalid", "errors": [{"message": "expected length <= 63", "location": "body.name"}, {"message": "unexpected", "location": "query.x"}]}`, 422, errkind.Invalid,
			"invalid request: body.name expected length <= 63; query.x unexpected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := operations.ListTags.Run(t.Context(), system(t, serve(t, answers(test.status, "application/problem+json", test.body))), operations.TagsRequest{})
			refused, ok := errors.AsType[*operations.Refusal](err)
			if !ok || !errors.Is(err, test.kind) || err.Error() != test.says {
				t.Fatalf("error %#v", err)
			}
			if want := strings.Contains(test.body, `"hint"`); want != (refused.Hint == "watch it") {
				t.Errorf("hint %q", refused.Hint)
			}
		})
	}
}

// TestInvalidValues: a refused value keeps its field and its form.
func TestInvalidValues(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`"loud"`: `invalid value "loud" for --limit: expected 1 to 1000`, `5000000`: `invalid value 5000000 for --limit: expected 1 to 1000`, `""`: `invalid value "" for --limit: expected 1 to 1000`} {
		body := fmt.Sprintf(`{"detail": "invalid", "kind": "Invalid", "errors": [{"message": "expected 1 to 1000", "location": "limit", "value": %s}]}`, value)
		_, err := operations.ListTags.Run(t.Context(), system(t, serve(t, answers(422, "application/problem+json", body))), operations.TagsRequest{})
		invalid, ok := errors.AsType[*operations.InvalidValue](err)
		if !ok || invalid.Text("--") != want {
			t.Errorf("%s: %v, want %s", value, err, want)
		}
	}
}

// TestHostile: what is not an answer of the API is an error that says so, and never an
// answer.
func TestHostile(t *testing.T) {
	t.Parallel()
	tags := `{"tags": []}`
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"a gigabyte", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"next": "`)
			for part := strings.Repeat("x", 1<<20); ; {
				if _, err := fmt.Fprint(w, part); err != nil {
					return
				}
			}
		}, "has more than 1048576 bytes"},
		{"never-ending", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "did not answer within 1s"},
		{"silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "did not answer within 1s"},
		{"HTML", answers(200, "text/html", "<html>Log in</html>"), "answers 200 OK with text/html, and not as Tagwatch does"},
		{"a page of errors", answers(404, "text/html", "<html>"), "answers 404 Not Found with text/html, and not as Tagwatch does"},
		{"a proxy without a server", answers(502, "text/html", "<html>"), "answers 502 Bad Gateway, and not as Tagwatch does: a proxy"},
		{"without a type", answers(200, "", tags), "and not as Tagwatch does"},
		{"a problem that is a success", answers(200, "application/problem+json", tags), "not as Tagwatch does"},
		{"JSON that is an error", answers(500, "application/json", tags), "500 Internal Server Error, and not as Tagwatch does"},
		{"cut", answers(200, "application/json", `{"tags": [`), "is not valid JSON"},
		{"two values", answers(200, "application/json", tags+tags), "is not valid JSON"},
		{"empty", answers(200, "application/json", ""), "is not valid JSON"},
		{"not a problem", answers(500, "application/problem+json", "<html>"), "is not valid JSON"},
		{"other types", answers(200, "application/json", `{"tags": "none"}`), "unexpected string in field tags; it may be of another version"},
		{"another host", answers(302, "text/html", "", "Location", "http://user:pass@elsewhere.example.com/x?y"), "redirects to http://elsewhere.example.com; the token is not sent there"},
		{"a redirect to nowhere", answers(302, "text/html", ""), "302 Found without saying where to"},
		{"an unknown operation", answers(404, "application/problem+json", `{"detail": "no such address"}`), "does not know list-tags; it may be of another version"},
		{"an unknown method", answers(405, "application/problem+json", `{"detail": "not GET"}`), "does not know list-tags; it may be of another version"},
		{"a wrong token", answers(401, "application/problem+json", `{"detail": "the token is wrong", "kind": "Unauthorized"}`), "does not accept the token (TAGWATCH_TOKEN, tagwatch login): the token is wrong"},
		{"a failure", answers(500, "application/problem+json", `{"detail": "the request failed"}`), "500 Internal Server Error: the request failed"},
		{"a status of its own", answers(999, "text/plain", ""), "answers 999, and not as Tagwatch does"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			small := func(o *remote.Options) { o.Timeout, o.MostBytes = time.Second, 1<<20 }
			server := serve(t, test.answer)
			list, err := operations.ListTags.Run(t.Context(), system(t, server, small), operations.TagsRequest{})
			if err == nil {
				t.Fatalf("answer %+v", list)
			}
			if _, refused := errors.AsType[*operations.Refusal](err); refused || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), server.URL) {
				t.Errorf("error %v, want one that says %q and names %s", err, test.says, server.URL)
			}
			if strings.Contains(err.Error(), "twt_planted") || strings.Contains(err.Error(), "user:pass") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// TestRepetition: what the server did not carry out is sent again, as soon as it says, and
// nothing else.
func TestRepetition(t *testing.T) {
	t.Parallel()
	read := func(ctx context.Context, s *operations.System) error {
		_, err := operations.ListTags.Run(ctx, s, operations.TagsRequest{})
		return err
	}
	change := func(ctx context.Context, s *operations.System) error {
		_, err := operations.Rescan.Run(ctx, s, operations.RescanRequest{})
		return err
	}
	for _, test := range []struct {
		name   string
		run    func(context.Context, *operations.System) error
		status int
		after  string
		sent   int64
	}{
		{"a read, refused for now", read, 429, "1", 2},
		{"a read, unavailable for now", read, 503, "1", 2},
		{"a change, refused for now", change, 429, "1", 2},
		{"a change, which may be under way", change, 503, "1", 1},
		{"a long pause", read, 503, "30", 1},
		{"no pause named", read, 503, "", 1},
		{"a failure", read, 500, "1", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if sent.Add(1) == 1 {
					answers(test.status, "application/problem+json", `{"detail": "wait", "kind": "Unavailable"}`, "Retry-After", test.after)(w, r)
					return
				}
				answers(200, "application/json", `{}`)(w, r)
			})
			err := test.run(t.Context(), system(t, server))
			if sent.Load() != test.sent || (err == nil) != (test.sent > 1) {
				t.Errorf("sent %d times: %v; want %d times", sent.Load(), err, test.sent)
			}
		})
	}
}

// TestInterrupted: who interrupts does not wait for the server.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	})
	_, err := operations.ListTags.Run(ctx, system(t, server), operations.TagsRequest{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestCertificates: a certificate that nobody vouches for is refused before the token is
// sent, and accepted from an authority that is named.
func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(answers(200, "application/json", `{}`))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	_, err := operations.ListTags.Run(t.Context(), system(t, server), operations.TagsRequest{})
	if err == nil || !strings.Contains(err.Error(), "--server-ca-file") {
		t.Errorf("error %v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	trusting := system(t, server, func(o *remote.Options) { o.CAFile = file })
	if _, err := operations.ListTags.Run(t.Context(), trusting, operations.TagsRequest{}); err != nil {
		t.Errorf("error %v", err)
	}
}

// TestUnreachable: where nobody listens, the error says where that is set.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := operations.ListTags.Run(t.Context(), system(t, server), operations.TagsRequest{})
	if err == nil || !strings.Contains(err.Error(), "the server at "+server.URL+" is not reachable") || !strings.Contains(err.Error(), "--server") {
		t.Errorf("error %v", err)
	}
}
