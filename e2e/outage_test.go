package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// outage is how long the registry stays away: longer than two checks it, or as
// long as TAGWATCH_TEST_OUTAGE says.
func outage(t *testing.T) time.Duration {
	t.Helper()
	return made(time.ParseDuration(cmp.Or(os.Getenv("TAGWATCH_TEST_OUTAGE"), "40s")))(t)
}

// TestRegistryGoesAway: a registry with 500 watched tags goes away. That is notified
// once, and once that it is back; of the tags nothing is notified but what changed
// meanwhile, and all of that.
func TestRegistryGoesAway(t *testing.T) {
	t.Parallel()
	const tags, moved, fresh = 500, 25, 3
	i := install(t, "TAGWATCH_REGISTRY_RATE=2000")
	i.do("endpoint", "add", "ops", i.receiver.URL(), "--type", "event_log")
	i.push("shop/many:000", lab.Debian(lab.Bookworm()...))
	for n := 1; n < tags; n++ {
		must(t, i.registry.Tag("shop/many:000", fmt.Sprintf("%03d", n)))
	}
	repository := i.registry.Host() + "/shop/many"
	i.do("repository", "watch", repository, "--interval", "30s", "--list-interval", "30s")
	i.notified(tags)

	must(t, i.registry.Pause())
	i.notified(tags + 1)
	i.push("shop/many:new", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	for n := range moved {
		must(t, i.registry.Tag("shop/many:new", fmt.Sprintf("%03d", n*7)))
	}
	for n := 1; n < fresh; n++ {
		must(t, i.registry.Tag("shop/many:new", fmt.Sprintf("new-%d", n)))
	}
	i.do("rescan", repository+":001", repository+":499") // they find nothing out either
	<-time.After(outage(t))
	if got := events(t, i.receiver.All()); !maps.Equal(got, map[string]int{"system.registry.failing": 1}) {
		t.Errorf("events while the registry is away: %v", got)
	}

	i.registry.Forget()
	must(t, i.registry.Resume())
	found := i.notified(tags + 2 + 2*moved + fresh + 1)
	i.eventually("all tags are checked once more", func() bool {
		return i.registry.Count(lab.Call{Kind: lab.KindManifest, Method: http.MethodHead}) > 3*tags
	})
	if late := byID(t, i.receiver.All()); len(late) > len(found) {
		found = late
	}
	want := map[string]int{"analysis_update": tags + moved + fresh, "tag_update": moved, "repo_update": 1, "event_log": 2}
	if got := kinds(found); !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
	wanted := map[string]int{"system.registry.failing": 1, "system.registry.recovered": 1}
	if got := events(t, i.receiver.All()); !maps.Equal(got, wanted) {
		t.Errorf("events %v, want %v", got, wanted)
	}
}

// events counts what the event log notified, each notification once.
func events(t *testing.T, hooks []lab.Hook) map[string]int {
	t.Helper()
	seen, counts := map[string]bool{}, map[string]int{}
	for _, hook := range hooks {
		var body struct {
			ID   string `json:"dataId"`
			Data struct {
				Payload struct {
					Event struct{ Type string }
				} `json:"notification_payload"`
			}
		}
		must(t, json.Unmarshal(hook.Body, &body))
		if kind := body.Data.Payload.Event.Type; kind != "" && !seen[body.ID] {
			seen[body.ID] = true
			counts[kind]++
		}
	}
	return counts
}
