package e2e_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestClusterGoesAway: the streams of a cluster break, its versions expire, it is away and
// comes back as another one. What it runs then is watched, nothing ended because of the
// outage, and nobody is notified.
func TestClusterGoesAway(t *testing.T) {
	t.Parallel()
	c, kubeconfig := installClustered(t)
	digests := map[string]string{}
	for _, tag := range []string{"shop/web:1", "shop/web:2", "shop/web:3"} {
		digests[tag] = c.image(tag, lab.Debian(lab.Bookworm()...))
	}
	deploy := func(name, tag string) { c.cluster.Deploy("shop", name, c.registry.Reference(tag), digests[tag]) }
	deploy("one", "shop/web:1")
	deploy("two", "shop/web:2")
	c.do("source", "add", "prod", "kubernetes", kubeconfig, "--type", "tag_update", "--type", "runtime_update")
	c.watches("1", "2")
	streams := func(what string) {
		c.eventually("every kind of objects has a stream "+what, func() bool { return c.cluster.Streams() == 8 })
	}
	streams("at first")

	c.cluster.Break()
	streams("after they broke")
	c.cluster.Compact()
	c.cluster.Break()
	streams("after their versions expired")
	must(t, c.cluster.Pause())
	temporal := c.temporal()
	must(t, temporal.SignalWorkflow(t.Context(), "source:prod", "", "wake", map[string]string{"Reason": "change"}))
	c.eventually("a reading fails", func() bool {
		var state struct {
			Last struct{ Problem *struct{ Message string } }
		}
		must(t, made(temporal.QueryWorkflow(t.Context(), "source:prod", "", "status"))(t).Get(&state))
		return state.Last.Problem != nil && strings.Contains(state.Last.Problem.Message, "is not reachable")
	})
	c.cluster.Undeploy("shop", "two")
	deploy("three", "shop/web:3")
	c.watches("1", "2")
	c.cluster.Restore()
	must(t, c.cluster.Resume())
	streams("after the outage")
	c.do("source", "update", "prod")
	c.watches("1", "2", "3") // one reading is not enough for an end
	c.do("source", "update", "prod")
	c.watches("1", "3")
	for _, hook := range c.receiver.All() {
		t.Errorf("notified %s", hook.Body)
	}
}
