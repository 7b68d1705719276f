package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/domain/audit"
)

// TestChangedAtOnce: of people who change one endpoint at once, each on what they read, one
// does, the others learn it, and nothing is lost.
func TestChangedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		response, _ := f.send("admin", http.MethodGet, "/api/v1/endpoints/ops", "")
		seen := response.Header.Get("ETag")
		if !strings.HasPrefix(seen, `"`) || !strings.HasSuffix(seen, `"`) {
			t.Fatalf("the ETag is %s", seen)
		}
		statuses, bodies := make([]int, 6), make([]string, 6)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				body := fmt.Sprintf(`{"name": "ops", "url": "https://%d.example.com", "replace": true}`, i)
				response, content := f.send("admin", http.MethodPost, "/api/v1/endpoints", body, "If-Match", seen)
				statuses[i], bodies[i] = response.StatusCode, content
			})
		}
		all.Wait()
		won := -1
		for i, status := range statuses {
			switch {
			case status == http.StatusOK && won < 0:
				won = i
			case status != http.StatusPreconditionFailed || !strings.Contains(bodies[i], `"status":412`) || !strings.Contains(bodies[i], "meanwhile"):
				t.Errorf("%d is answered %d %s", i, status, bodies[i])
			}
		}
		stored, err := f.store.Endpoint(t.Context(), "ops")
		f.must(err)
		rows, err := f.store.Audit(t.Context(), audit.Filter{Subject: "ops"})
		f.must(err)
		if won < 0 || stored.URL != fmt.Sprintf("https://%d.example.com", won) || len(rows) != 1 {
			t.Errorf("%d won, stored is %s, the trail has %+v", won, stored.URL, rows)
		}
	})
}

// TestConditions: every change of settings takes a condition, also with the number of the
// settings alone; other changes refuse it, for it would not be checked.
func TestConditions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		tag := func() string {
			response, _ := f.send("read", http.MethodGet, "/api/v1/endpoints/ops", "")
			return response.Header.Get("ETag")
		}
		old := tag()
		f.must(f.store.SwitchEndpoint(t.Context(), "ops", must(f.store.Endpoint(t.Context(), "ops"))(t).State.Failed("500", now), now))
		shown := tag()
		if shown == old {
			t.Error("the answer changed and its ETag did not")
		}
		rotate := func(tag string) (int, string) {
			response, body := f.send("admin", http.MethodPost, "/api/v1/endpoints/rotate", `{"name": "ops", "secret": "env:NEW"}`, "If-Match", tag)
			return response.StatusCode, body
		}
		if status, body := rotate(`"0", W/` + shown); status != http.StatusPreconditionFailed {
			t.Errorf("other settings, and a weak ETag: %d %s", status, body)
		}
		if status, body := rotate(`"0", ` + old); status != http.StatusOK {
			t.Errorf("the same settings, of which deliveries went on: %d %s", status, body)
		}
		for _, request := range []struct{ method, path, body string }{
			{http.MethodPost, "/endpoints", `{"name": "ops", "url": "https://a.example.com", "replace": true}`}, {http.MethodPost, "/endpoints/rotate", `{"name": "ops", "finish": true}`},
			{http.MethodPost, "/endpoints/disable", `{"name": "ops"}`}, {http.MethodPost, "/endpoints/enable", `{"name": "ops"}`}, {http.MethodDelete, "/endpoints/ops", ""},
			{http.MethodPost, "/endpoints", `{"name": "none", "url": "https://a.example.com", "replace": true}`},
		} {
			for _, tags := range []string{old, `"x"`, "nonsense"} {
				f.expect(f.send("admin", request.method, "/api/v1"+request.path, request.body, "If-Match", tags))(http.StatusPreconditionFailed, request.path+" of "+tags)
			}
		}
		var detail struct{ Edition int64 }
		_, body := f.send("read", http.MethodGet, "/api/v1/endpoints/ops", "")
		f.must(json.Unmarshal([]byte(body), &detail))
		if response, body := f.send("admin", http.MethodDelete, "/api/v1/endpoints/ops", "", "If-Match", fmt.Sprintf(`"%d"`, detail.Edition)); response.StatusCode != http.StatusOK {
			t.Errorf("with the edition: %d %s", response.StatusCode, body)
		}
		f.expect(f.send("admin", http.MethodPost, "/api/v1/tokens", `{"name": "x", "scope": "read"}`, "If-Match", `"1"`))(http.StatusBadRequest, "a condition that is not checked")
	})
}

// TestConditionsOfSources: a source is stored and removed only as it was read.
func TestConditionsOfSources(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		response, _ := f.send("read", http.MethodGet, "/api/v1/sources/shop", "")
		seen := response.Header.Get("ETag")
		stored, _, err := f.store.Source(t.Context(), "shop")
		f.must(err)
		f.must(f.store.SaveSource(t.Context(), stored, now)) // somebody else
		settings := `{"name": "shop", "kind": "file", "paths": ["/srv/list"]}`
		f.expect(f.send("admin", http.MethodPost, "/api/v1/sources", settings, "If-Match", seen))(http.StatusPreconditionFailed, "other settings")
		f.expect(f.send("admin", http.MethodDelete, "/api/v1/sources/shop", "", "If-Match", seen))(http.StatusPreconditionFailed, "the removal of others")
		f.expect(f.send("admin", http.MethodPost, "/api/v1/sources/plan", settings, "If-Match", seen))(http.StatusBadRequest, "a condition that is not checked")
		response, _ = f.send("read", http.MethodGet, "/api/v1/sources/shop", "")
		if response, body := f.send("admin", http.MethodDelete, "/api/v1/sources/shop", "", "If-Match", response.Header.Get("ETag")); response.StatusCode != http.StatusOK {
			t.Errorf("the removal as it was read: %d %s", response.StatusCode, body)
		}
	})
}
