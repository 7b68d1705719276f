package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
)

const keyHeader = "Idempotency-Key"

// TestKeyedAtOnce: the same creation, sent five times with one key, makes one.
func TestKeyedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		create := func() (*http.Response, string) {
			return f.send("admin", http.MethodPost, "/api/v1/endpoints", `{"name": "new", "url": "https://new.example.com"}`, keyHeader, "one")
		}
		statuses := make([]int, 5)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				response, body := create()
				if statuses[i] = response.StatusCode; statuses[i] == http.StatusConflict && !strings.Contains(body, "under way") {
					t.Errorf("the creation was repeated: %s", body)
				}
			})
		}
		all.Wait()
		rows, err := f.store.Audit(t.Context(), audit.Filter{Subject: "new"})
		f.must(err)
		done := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				done++
			} else if status != http.StatusConflict {
				t.Errorf("answered %d", status)
			}
		}
		if len(rows) != 1 || done == 0 {
			t.Errorf("%d were answered, the trail has %+v", done, rows)
		}
		if response, body := create(); response.StatusCode != http.StatusOK || response.Header.Get("Idempotency-Replayed") != "true" || !strings.Contains(body, `"created":true`) {
			t.Errorf("again: %d %s", response.StatusCode, body)
		}
	})
}

// TestKeyed: what a key stands for, for whom and how long.
func TestKeyed(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		send := func(name, key, path, body string) (*http.Response, string) {
			return f.send(name, http.MethodPost, "/api/v1"+path, body, keyHeader, key)
		}
		const made = `{"name": "made", "url": "https://made.example.com"}`
		if response, body := send("admin", "k", "/endpoints", made); response.StatusCode != http.StatusOK {
			t.Fatalf("first: %d %s", response.StatusCode, body)
		}
		f.expect(send("admin", "k", "/endpoints", strings.Replace(made, "https", "http", 1)))(http.StatusUnprocessableEntity, "another request with the key")
		f.expect(send("admin", "k2", "/endpoints", made))(http.StatusConflict, "another key")
		f.expect(send("admin", "k2", "/endpoints", made))(http.StatusConflict, "a refusal is not kept")
		f.expect(send("admin", "k3", "/endpoints/enable", `{"name": "made"}`))(http.StatusBadRequest, "what creates nothing")
		f.expect(send("admin", strings.Repeat("k", 201), "/endpoints", made))(http.StatusBadRequest, "a long key")

		activation := fmt.Sprintf(`{"id": %q}`, policy.Default().ID)
		begun, task := send("admin", "task", "/policies/activate", activation)
		replayed, same := send("admin", "task", "/policies/activate", activation)
		if begun.StatusCode != http.StatusAccepted || replayed.StatusCode != http.StatusAccepted || same != task || begun.Header.Get("Location") == "" ||
			replayed.Header.Get("Location") != begun.Header.Get("Location") || replayed.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("a task: %d %s, again: %d %s %v", begun.StatusCode, task, replayed.StatusCode, same, replayed.Header)
		}

		other, text, err := token.New("other", token.Admin, nil, now, time.Time{})
		f.must(err)
		f.must(f.store.SaveToken(t.Context(), other))
		f.tokens["other"] = text
		f.expect(send("other", "k", "/endpoints", made))(http.StatusConflict, "the key of another token")

		response, body := send("admin", "secret", "/tokens", `{"name": "fresh", "scope": "read"}`)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, token.Prefix) {
			t.Fatalf("a token: %d %s", response.StatusCode, body)
		}
		again, body := send("admin", "secret", "/tokens", `{"name": "fresh", "scope": "read"}`)
		if again.StatusCode != http.StatusConflict || strings.Contains(body, token.Prefix) || !strings.Contains(body, "shown only once") {
			t.Errorf("the token again: %d %s", again.StatusCode, body)
		}
	})
}

// TestKeyedIsKept: a key is kept for a day, is taken over from a worker that was lost, and
// one token has a bounded number of them.
func TestKeyedIsKept(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		begin := func(key, request string, at time.Time) (bool, token.KeyedAnswer, error) {
			first, _, answer, err := f.store.BeginKeyed(ctx, token.Keyed{Token: "t", Key: key, Request: request, Begun: at})
			return first, answer, err
		}
		for _, step := range []struct {
			request string
			after   time.Duration
			first   bool
		}{{"a", 0, true}, {"a", time.Minute, false}, {"b", 5 * time.Minute, false}, {"a", 5 * time.Minute, true}} {
			if first, answer, err := begin("k", step.request, now.Add(step.after)); err != nil || first != step.first || answer.Status != 0 {
				t.Errorf("%+v: %v %+v %v", step, first, answer, err)
			}
		}
		f.must(f.store.FinishKeyed(ctx, token.Keyed{Token: "t", Key: "k", Begun: now.Add(5 * time.Minute)}, token.KeyedAnswer{Status: 200, Type: "text/plain", Body: []byte("done")}))
		if first, answer, err := begin("k", "a", now.Add(24*time.Hour)); err != nil || first || answer.Status != 200 || string(answer.Body) != "done" {
			t.Errorf("within a day: %v %+v %v", first, answer, err)
		}
		_, err := f.store.Prune(ctx, now.Add(-time.Hour), now.Add(25*time.Hour))
		f.must(err)
		if first, _, err := begin("k", "a", now); err != nil || !first {
			t.Errorf("after a day: %v %v", first, err)
		}
		for i := range token.MostKeys - 1 {
			if first, _, err := begin(fmt.Sprint(i), "a", now); err != nil || !first {
				t.Fatalf("key %d: %v %v", i, first, err)
			}
		}
		if _, _, err := begin("more", "a", now); err == nil {
			t.Error("a token has more keys than are kept")
		}
	})
}

// TestSilenceOfEndpoints: who is limited to some tags does not see settings of endpoints.
func TestSilenceOfEndpoints(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		ops, err := f.store.Endpoint(t.Context(), "ops")
		f.must(err)
		ops.When = "severity >= critical"
		f.must(f.store.SaveEndpoint(t.Context(), ops, now))
		for name, shown := range map[string]bool{"read": true, "web-read": false} {
			response, body := f.send(name, http.MethodGet, "/api/v1/silence?type="+string(notification.VulnUpdate)+"&ref="+inside, "")
			if response.StatusCode != http.StatusOK || !strings.Contains(body, `"endpoint":"ops"`) || strings.Contains(body, "severity") != shown {
				t.Errorf("%s sees %d %s", name, response.StatusCode, body)
			}
		}
	})
}
