package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestConditionsOutliveTemporal: Temporal's data is lost while a registry, an endpoint
// and a repository fail, and the registry is back by the time Temporal is. That it
// recovered is notified once, and nothing that goes on failing a second time.
func TestConditionsOutliveTemporal(t *testing.T) {
	t.Parallel()
	const tags = 5
	i := install(t)
	away := made(lab.NewRegistry())(t)
	t.Cleanup(func() { away.Close() })
	i.receiver.Refuse(func(h lab.Hook) int {
		if h.Path == "/dead" {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	i.do("endpoint", "add", "log", i.receiver.URL()+"/log", "--type", "event_log")
	i.do("endpoint", "add", "dead", i.receiver.URL()+"/dead")

	made(away.Push("shop/web:1", made(lab.NewImage(lab.Debian(lab.Bookworm()...)))(t)))(t)
	i.do("subscribe", "--wait", "--interval", "30s", away.Host()+"/shop/web:1")
	i.push("shop/api:0", lab.Debian(lab.Bookworm()...))
	for n := 1; n < tags; n++ {
		must(t, i.registry.Tag("shop/api:0", fmt.Sprint(n)))
	}
	i.do("repository", "watch", i.registry.Host()+"/shop/api", "--interval", "30s", "--list-interval", "30s")
	i.notified(1 + tags)
	must(t, away.Pause())
	i.registry.Fail(lab.Fault{Path: "/tags/list", Status: http.StatusInternalServerError})

	logged := func() map[string]int { return events(t, i.at("/log")) }
	failing := map[string]int{"system.registry.failing": 1, "system.endpoint.failing": 1, "system.repository.list_tags_fail": 1}
	i.eventually("all three fail", func() bool { return maps.Equal(logged(), failing) })

	must(t, i.Stop())
	must(t, os.RemoveAll(filepath.Join(i.DataDir(), "temporal")))
	must(t, away.Resume())
	i.registry.Forget()
	attempts := len(i.at("/dead"))
	must(t, i.Start(t.Context()))
	i.reconcile()

	failing["system.registry.recovered"] = 1
	i.eventually("the registry has recovered", func() bool { return maps.Equal(logged(), failing) })
	// What fails is tried again, and found to fail.
	i.push("shop/api:0", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.eventually("the endpoint and the repository are tried again", func() bool {
		return len(i.at("/dead")) > attempts && i.registry.Count(lab.Call{Kind: lab.KindTags}) > 1
	})
	if got := logged(); !maps.Equal(got, failing) {
		t.Errorf("events %v, want %v", got, failing)
	}

	i.registry.Heal()
	failing["system.repository.list_tags_recovered"] = 1
	i.eventually("the repository has recovered", func() bool { return maps.Equal(logged(), failing) })
}
