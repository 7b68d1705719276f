package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
)

// TestTokens: only the right text of a token that is there and has not expired is
// admitted, and who guesses is slowed down while a right one still gets in.
func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, expires := range map[string]time.Time{"old": now.Add(-time.Minute), "now": now} {
			made, text, err := token.New(name, token.Admin, nil, now.Add(-time.Hour), expires)
			f.must(err)
			f.must(f.store.SaveToken(t.Context(), made))
			f.tokens[name] = text
		}
		_, unknown, err := token.New("unknown", token.Admin, nil, now, time.Time{})
		f.must(err)
		f.tokens["unknown"], f.tokens["misspelled"], f.tokens["other"] = unknown, f.tokens["read"]+"0", "hunter2"
		f.tokens["mixed"] = f.tokens["read"][:20] + f.tokens["admin"][20:]
		for _, name := range []string{"old", "now", "unknown", "misspelled", "other", "mixed"} {
			f.expect(f.send(name, "GET", "/api/v1/tags", ""))(http.StatusUnauthorized, name)
		}
		f.must(f.store.DeleteToken(t.Context(), "act", now))
		f.expect(f.send("act", "GET", "/api/v1/tags", ""))(http.StatusUnauthorized, "a revoked token")
		slowed := 0
		for range 40 {
			if response, _ := f.send("unknown", "GET", "/api/v1/tags", ""); response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") != "" {
				slowed++
			}
		}
		if slowed == 0 {
			t.Error("40 guesses at once were answered as one is")
		}
		if response, body := f.send("read", "GET", "/api/v1/tags", ""); response.StatusCode != http.StatusOK {
			t.Errorf("the right token after guesses: %d %s", response.StatusCode, body)
		}
		made := struct{ Token string }{}
		_, body := f.send("admin", "POST", "/api/v1/tokens", `{"name": "fresh", "scope": "read", "subjects": ["ghcr.io/web/*"]}`)
		f.must(json.Unmarshal([]byte(body), &made))
		f.tokens["fresh"] = made.Token
		if _, body := f.send("fresh", "GET", "/api/v1/tags", ""); !strings.Contains(body, inside) || strings.Contains(body, outside) {
			t.Errorf("a created token sees %s", body)
		}
		if _, body := f.send("admin", "GET", "/api/v1/tokens", ""); strings.Contains(body, token.Prefix) {
			t.Errorf("the list shows a token: %s", body)
		}
	})
}

// TestSecrets: who may only read sees of an endpoint where it is, and no more.
func TestSecrets(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, path := range []string{"/api/v1/endpoints", "/api/v1/endpoints/ops"} {
			if _, body := f.send("act", "GET", path, ""); strings.Contains(body, "secret") || !strings.Contains(body, `"https://receiver.example.com/..."`) {
				t.Errorf("%s shows %s", path, body)
			}
			if _, body := f.send("admin", "GET", path, ""); !strings.Contains(body, "secret-path") {
				t.Errorf("%s shows an admin %s", path, body)
			}
		}
	})
}

// TestPages: every item is on one page, whatever the limit and the bounds are.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var subs []subscription.Subscription
		for i := range 25 {
			for _, name := range []string{fmt.Sprintf("ghcr.io/web/app%02d:1", i), fmt.Sprintf("ghcr.io/other/app%02d:1", i)} {
				subs = append(subs, subscription.Subscription{Target: f.target(name), Type: notification.VulnUpdate, Active: true})
			}
		}
		f.must(f.store.Subscribe(t.Context(), subs, 0, now))
		for _, caller := range []struct {
			name string
			tags int
		}{{"read", 52}, {"web-read", 26}} {
			for _, list := range []struct{ path, field, item string }{{"/tags", "tags", "target"}, {"/subscriptions", "subscriptions", "subscription_id"}} {
				for _, limit := range []int{5, 7, 52, 1000} {
					seen, after := []string{}, ""
					for range 100 {
						_, body := f.send(caller.name, "GET", fmt.Sprintf("/api/v1%s?limit=%d&after=%s", list.path, limit, url.QueryEscape(after)), "")
						var page map[string]json.RawMessage
						f.must(json.Unmarshal([]byte(body), &page))
						var items []map[string]any
						f.must(json.Unmarshal(page[list.field], &items))
						if len(items) > limit {
							t.Errorf("%d items on a page of %d", len(items), limit)
						}
						for _, item := range items {
							seen = append(seen, fmt.Sprint(item[list.item]))
						}
						after = ""
						_ = json.Unmarshal(page["next"], &after)
						if after == "" {
							break
						}
					}
					want := caller.tags
					if list.field == "subscriptions" {
						want += 3 + 4 // the seed has four types of one tag, and all five of the other
						if caller.name == "web-read" {
							want = caller.tags + 4
						}
					}
					if slices.Sort(seen); len(seen) != want || len(slices.Compact(seen)) != want {
						t.Errorf("%s by %d for %s: %d items, want %d", list.path, limit, caller.name, len(seen), want)
					}
				}
			}
		}
	})
}

// TestCursorOfNotifications: who remembers the cursor sees each notification once.
func TestCursorOfNotifications(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		read := func(after string) (ids []string, next string) {
			_, body := f.send("web-read", "GET", "/api/v1/notifications?limit=1&after="+after, "")
			var page struct {
				Notifications []struct{ ID string }
				Next          string
			}
			f.must(json.Unmarshal([]byte(body), &page))
			for _, n := range page.Notifications {
				ids = append(ids, n.ID)
			}
			return ids, page.Next
		}
		first, next := read("")
		if len(first) != 1 || next == "" {
			t.Fatalf("%q, next %q", first, next)
		}
		again, end := read(next)
		if len(again) != 0 || end == "" {
			t.Errorf("after the last one: %q, next %q", again, end)
		}
		f.must(storetest.Seeding{Store: f.store, Now: now, Target: f.target("ghcr.io/web/later:1")}.Watch(t.Context(), policy.Default()))
		if later, _ := read(end); len(later) != 1 || later[0] == first[0] {
			t.Errorf("a later one: %q", later)
		}
	})
}

// TestLimits: what is too large, or no JSON, or asked for too often, is refused.
func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		large := `{"tags": ["` + strings.Repeat("x", 2<<20) + `"]}`
		f.expect(f.send("act", "POST", "/api/v1/rescans", large))(http.StatusRequestEntityTooLarge, "a large body")
		f.expect(f.send("act", "POST", "/api/v1/rescans", "a=b", "Content-Type", "application/x-www-form-urlencoded"))(http.StatusUnsupportedMediaType, "a form")
		f.expect(f.send("act", "POST", "/api/v1/rescans", "{"))(http.StatusBadRequest, "half a body")
		f.expect(f.send("act", "POST", "/api/v1/rescans", ""))(http.StatusBadRequest, "no body")
		f.expect(f.send("act", "POST", "/api/v1/rescans", `{"tags": [], "x": 1}`))(http.StatusUnprocessableEntity, "unknown fields")
		f.expect(f.send("read", "GET", "/api/v1/tags?limit=1001", ""))(http.StatusUnprocessableEntity, "a large page")
		f.expect(f.send("read", "GET", "/api/v1/tags?limti=1", ""))(http.StatusUnprocessableEntity, "an unknown parameter")
		f.expect(f.send("read", "GET", "/api/v1/tags?after=%20", ""))(http.StatusUnprocessableEntity, "no cursor")
		f.expect(f.send("read", "GET", "/api/v2/tags", ""))(http.StatusNotFound, "no address")
		var limited atomic.Int64
		var all sync.WaitGroup
		for range 400 {
			all.Go(func() {
				if response, _ := f.send("web-read", "GET", "/api/v1/feed", ""); response.StatusCode == http.StatusTooManyRequests {
					limited.Add(1)
				}
			})
		}
		all.Wait()
		if limited.Load() == 0 {
			t.Error("400 requests at once were answered")
		}
		if response, _ := f.send("read", "GET", "/api/v1/feed", ""); response.StatusCode != http.StatusOK {
			t.Errorf("another token is limited too: %d", response.StatusCode)
		}
	})
}

// TestUnavailable: what does not respond is a problem that says when to try again, and
// names no host.
func TestUnavailable(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		tags := fmt.Sprintf(`{"tags": [%q, %q]}`, inside, outside)
		temporary := func(response *http.Response, body string) {
			t.Helper()
			f.expect(response, strings.ReplaceAll(body, inside, ""))(http.StatusServiceUnavailable, "what does not respond")
			if response.Header.Get("Retry-After") == "" || strings.Contains(body, "internal") {
				t.Errorf("%v %s", response.Header, body)
			}
		}
		for _, f.fails = range []error{fmt.Errorf("%w: dial temporal.internal", client.ErrUnreachable), fmt.Errorf("%w: from temporal.internal", client.ErrUnattended)} {
			f.asked = nil
			temporary(f.send("act", "POST", "/api/v1/rescans", tags))
			if len(f.asked) != 1 {
				t.Errorf("asked %q although nobody responds", f.asked)
			}
			temporary(f.send("act", "POST", "/api/v1/subscriptions", fmt.Sprintf(`{"tags": [%q]}`, inside)))
		}
		f.fails = client.ErrUnreachable
		partly := fmt.Sprintf(`{"tags": ["docker.io/library/redis:7", %q]}`, inside)
		if response, body := f.send("act", "POST", "/api/v1/rescans", partly); response.StatusCode != http.StatusAccepted || !strings.Contains(body, `redis:7 is not watched`) || !strings.Contains(body, `"unfinished":{"kind":"Unavailable"`) {
			t.Errorf("rescanned in part: %d %s", response.StatusCode, body)
		}
		if response, body := f.send("act", "POST", "/api/v1/subscriptions/end", tags); response.StatusCode != http.StatusOK || !strings.Contains(body, `"delayed":"`) || strings.Contains(body, "internal") {
			t.Errorf("ended without Temporal: %d %s", response.StatusCode, body)
		}
		f.broken = fmt.Errorf("connect to db.internal: %w", errkind.Unavailable)
		temporary(f.send("read", "GET", "/api/v1/tags", ""))
		f.broken = errors.New("statement failed at db.internal")
		f.expect(f.send("read", "GET", "/api/v1/tags", ""))(http.StatusInternalServerError, "a failed statement")
	})
}

// TestETag: who has the answer already is not sent it again, until it changes.
func TestETag(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		first, _ := f.send("read", "GET", "/api/v1/policies", "")
		etag := first.Header.Get("ETag")
		if same, body := f.send("read", "GET", "/api/v1/policies", "", "If-None-Match", `"other", `+etag); same.StatusCode != http.StatusNotModified || body != "" || etag == "" {
			t.Errorf("%d %q", same.StatusCode, body)
		}
		if other, body := f.send("read", "GET", "/api/v1/tags", "", "If-None-Match", etag); other.StatusCode != http.StatusOK || body == "" {
			t.Errorf("another answer: %d %q", other.StatusCode, body)
		}
	})
}

// TestFuzz: whatever is sent to whatever the document has, the answer is no failure of
// the server, as the document says, and of a bounded size.
func TestFuzz(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		document := read(t)
		random := rand.New(rand.NewPCG(17, uint64(now.Unix())))
		values := []string{"", "0", "-1", "1001", "99999999999999999999", "true", "null", "[]", "{}", inside, outside, "nginx@sha256:x", "a:b:c", "%00", "\xff\xfe", "😀", "' OR 1=1 --", "../..", strings.Repeat("a", 700),
			"2026-03-01T12:00:00Z", "linux/arm64", "vuln_update", "high", "CVE-2026-0001", "pkg:deb/debian/openssl@<4", "MQ", "ops", "read"}
		pick := func() string { return values[random.IntN(len(values))] }
		var parts func(depth int) string
		parts = func(depth int) string {
			switch n := random.IntN(9); {
			case n < 3 || depth > 3:
				text, _ := json.Marshal(pick())
				return string(text)
			case n == 3:
				return []string{"1", "-1.5e300", "true", "null", "9223372036854775808"}[random.IntN(5)]
			case n == 4:
				return `[` + parts(depth+1) + `,` + parts(depth+1) + `]`
			case n == 5:
				return `[]`
			}
			fields := []string{}
			for range random.IntN(5) {
				name := []string{"tags", "types", "options", "interval", "unverified", "ids", "endpoint", "since", "state", "name", "scope", "subjects", "expires", "labels", "when", "epss", "causes", "x"}[random.IntN(18)]
				value := parts(depth + 1)
				if random.IntN(2) == 0 && (strings.HasSuffix(name, "s")) {
					value = `[` + value + `]`
				}
				fields = append(fields, fmt.Sprintf("%q: %s", name, value))
			}
			return `{` + strings.Join(fields, ", ") + `}`
		}
		counts := map[int]int{}
		for path, methods := range document.Paths {
			for method, o := range methods {
				for range 40 {
					f.refreshed()
					address := strings.NewReplacer("{name}", url.PathEscape(pick()+"x"), "{id}", url.PathEscape(pick()+"x")).Replace(path)
					query := url.Values{}
					for _, p := range o.Parameters {
						if p.In == "query" && random.IntN(3) > 0 {
							query.Set(p.Name, pick())
						}
					}
					if random.IntN(10) == 0 {
						query.Set(pick(), pick())
					}
					body := ""
					if method == "post" {
						if body = parts(0); random.IntN(8) == 0 {
							body = body[:random.IntN(len(body)+1)]
						}
					}
					response, content := f.send("fuzz", strings.ToUpper(method), address+"?"+query.Encode(), body)
					counts[response.StatusCode]++
					if response.StatusCode >= 500 || len(content) > 1<<20 {
						t.Errorf("%s %s?%s %s: %d %.300s", method, address, query.Encode(), body, response.StatusCode, content)
					}
					if response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMovedPermanently {
						document.validate(t, o.OperationID, response, content)
					}
				}
			}
		}
		if counts[http.StatusOK] == 0 || counts[http.StatusUnprocessableEntity] == 0 || counts[http.StatusTooManyRequests] > 0 {
			t.Errorf("the answers are %v", counts)
		}
	})
}

// refreshed gives the caller of many requests another token, for not to be slowed down.
func (f *fixture) refreshed() {
	if f.sent++; f.sent%100 != 1 {
		return
	}
	made, text, err := token.New(fmt.Sprintf("fuzz-%d", f.sent), token.Admin, nil, now, time.Time{})
	f.must(err)
	f.must(f.store.SaveToken(f.Context(), made))
	f.tokens["fuzz"] = text
}

// TestWrongMethodAndHost: what is refused before an operation is a problem that says which
// methods there are, or which host to name.
func TestWrongMethodAndHost(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		response, body := f.send("admin", http.MethodPatch, "/api/v1/tags", "")
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != http.MethodGet || !strings.Contains(body, "does not take PATCH") {
			t.Errorf("%d, Allow %q: %s", response.StatusCode, response.Header.Get("Allow"), body)
		}
		if response, body := f.send("read", http.MethodGet, "/api/v1/tokens", ""); response.StatusCode != http.StatusForbidden || !strings.Contains(body, `"kind":"Forbidden"`) {
			t.Errorf("a scope that does not suffice: %d %s", response.StatusCode, body)
		}
		for path, says := range map[string]string{"/api/v1/tags": `"kind":"Forbidden"`, "/v1/images": `"httpcode":403`} {
			answer := httptest.NewRecorder()
			api.RefuseHost(answer, httptest.NewRequest(http.MethodGet, path, nil))
			if answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), says) || !strings.Contains(answer.Body.String(), "use localhost") {
				t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
			}
		}
	})
}

// TestBeyondThisMachine: where others could ask, only health, and where the pages are, is
// answered without a token.
func TestBeyondThisMachine(t *testing.T) {
	t.Parallel()
	served, err := api.New(api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]map[string]int{
		"/healthz":          {"127.0.0.1:8236": http.StatusOK, "10.0.0.5:8236": http.StatusOK},
		"/api/openapi.json": {"127.0.0.1:8236": http.StatusOK, "10.0.0.5:8236": http.StatusUnauthorized},
		"/api/v1/feed":      {"127.0.0.1:8236": http.StatusUnauthorized, "10.0.0.5:8236": http.StatusUnauthorized},
		"/":                 {"127.0.0.1:8236": http.StatusFound, "10.0.0.5:8236": http.StatusFound},
	} {
		for local, status := range want {
			at, err := net.ResolveTCPAddr("tcp", local)
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequest(http.MethodGet, path, nil)
			answer := httptest.NewRecorder()
			served.ServeHTTP(answer, request.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(at))))
			if answer.Code != status {
				t.Errorf("%s at %s: %d, want %d", path, local, answer.Code, status)
			}
		}
	}
}
