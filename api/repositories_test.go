package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
)

// repository shows the settings of a repository that is watched, with its edition.
func (f *fixture) repository(name string) (shown operations.RepositoryDetail, etag string) {
	f.Helper()
	response, body := f.send("read", "GET", "/api/v1/repository?name="+name, "")
	f.must(json.Unmarshal([]byte(body), &shown))
	return shown, response.Header.Get("ETag")
}

// TestRepositories: a repository is watched with the settings of a request, changed as it was
// read by one of several at once, and unwatched, under any of its names.
func TestRepositories(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		save := func(body string, headers ...string) int {
			response, _ := f.send("admin", "POST", "/api/v1/repositories", body, headers...)
			return response.StatusCode
		}
		if status := save(`{"name": "redis", "types": ["vuln_update"], "options": {"endpoints": ["ops"]}, "interval": "5m", "platforms": ["linux/arm64"], "filter": {"versions": "^7"}, "max_tags": 9, "unverified": true}`); status != http.StatusOK {
			t.Fatalf("a new repository: %d", status)
		}
		shown, seen := f.repository("redis")
		if shown.Name.String() != "docker.io/redis" || shown.Poll != 5*time.Minute || shown.Platform.String() != "linux/arm64" || shown.Filter.Versions != "^7" || shown.Most != 9 || seen == "" {
			t.Errorf("it is shown as %+v, %s", shown, seen)
		}
		statuses := make([]int, 5)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				statuses[i] = save(fmt.Sprintf(`{"name": "docker.io/redis", "max_tags": %d, "unverified": true}`, 20+i), "If-Match", seen)
			})
		}
		all.Wait()
		slices.Sort(statuses)
		if want := []int{200, 412, 412, 412, 412}; !slices.Equal(statuses, want) {
			t.Errorf("changed at once: %v", statuses)
		}
		unwatch := func(headers ...string) (*http.Response, string) {
			return f.send("admin", "POST", "/api/v1/repositories/unwatch", `{"name": "redis", "tags": true}`, headers...)
		}
		f.expect(unwatch("If-Match", seen))(http.StatusPreconditionFailed, "the end of other settings")
		_, seen = f.repository("redis")
		if response, body := unwatch("If-Match", seen); response.StatusCode != http.StatusOK {
			t.Errorf("the end as it was read: %d %s", response.StatusCode, body)
		}
		f.expect(unwatch())(http.StatusNotFound, "the end of what is gone")
		if rows := must(f.store.Audit(t.Context(), audit.Filter{Subject: "docker.io/redis"}))(t); len(rows) != 3 {
			t.Errorf("the trail has %d rows: %+v", len(rows), rows)
		}
	})
}

// TestRepositoryRefusals: what is wrong with the settings is answered with the field, and
// nothing is stored, nor where no workflow would follow it.
func TestRepositoryRefusals(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for settings, says := range map[string]string{
			`"types": ["feed_update"]`:            "types",
			`"interval": "5s"`:                    "interval",
			`"list_interval": "often"`:            "list_interval",
			`"filter": {"versions": "newest"}`:    "newest",
			`"options": {"min_severity": "some"}`: "options.min_severity",
			`"max_tags": -1`:                      "max_tags",
		} {
			response, body := f.send("admin", "POST", "/api/v1/repositories", `{"name": "redis", "unverified": true, `+settings+`}`)
			if response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, says) {
				t.Errorf("%s: %d %s", settings, response.StatusCode, body)
			}
		}
		f.expect(f.send("admin", "POST", "/api/v1/repositories", `{"name": "redis", "options": {"endpoints": ["none"]}}`))(http.StatusNotFound, "an unknown endpoint")
		f.fails = fmt.Errorf("connect to Temporal: %w", errkind.Unavailable)
		f.expect(f.send("admin", "POST", "/api/v1/repositories", `{"name": "redis", "unverified": true}`))(http.StatusServiceUnavailable, "without Temporal")
		f.expect(f.send("read", "GET", "/api/v1/repository?name=redis", ""))(http.StatusNotFound, "what was refused")
	})
}

// TestRepositoryBounds: a token that is limited to some tags watches and sees repositories of
// which it may have every tag, and follows the plans of these alone.
func TestRepositoryBounds(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, within := range map[string]bool{"ghcr.io/web/new": true, "ghcr.io/other/new": false} {
			planned, shown := http.StatusNotFound, http.StatusNotFound
			if within {
				planned, shown = http.StatusAccepted, http.StatusOK
			}
			if response, body := f.send("web-act", "POST", "/api/v1/repositories/plan", fmt.Sprintf(`{"name": %q}`, name)); response.StatusCode != planned {
				t.Errorf("a plan for %s: %d %s", name, response.StatusCode, body)
			}
			task := base64.RawURLEncoding.EncodeToString([]byte("plan-repository:" + name + ":1\none run"))
			if response, body := f.send("web-read", "GET", "/api/v1/tasks/"+task, ""); response.StatusCode != shown {
				t.Errorf("the task of a plan for %s: %d %s", name, response.StatusCode, body)
			}
		}
	})
}
