package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// clustered is an installation with the source prod, a cluster.
type clustered struct {
	*installation
	cluster *lab.Cluster
}

// installClustered starts Tagwatch and a cluster; the source is to be followed yet.
func installClustered(t *testing.T) (c *clustered, kubeconfig string) {
	folder := t.TempDir()
	c = &clustered{install(t, "TAGWATCH_SOURCE_PATHS="+folder), made(lab.NewCluster())(t)}
	t.Cleanup(func() { must(t, c.cluster.Close()) })
	kubeconfig = filepath.Join(folder, "kubeconfig")
	must(t, os.WriteFile(kubeconfig, []byte(c.cluster.Kubeconfig()), 0o600))
	return c, kubeconfig
}

// image pushes an image and returns its digest.
func (c *clustered) image(reference string, parts ...lab.Part) string {
	c.t.Helper()
	return made(c.registry.Push(reference, made(lab.NewImage(parts...))(c.t)))(c.t).String()
}

// deploy has the pods of a deployment run those digests of a tag, and the source read.
func (c *clustered) deploy(name, reference string, digests ...string) {
	c.t.Helper()
	c.cluster.Deploy("shop", name, c.registry.Reference(reference), digests...)
	c.do("source", "update", "prod")
}

// ran is what a status, a notification or a search says of the containers of a workload.
type ran struct {
	Kind, Namespace, Name, Age string
	Count                      int
}

// runs waits until the containers of a tag are counted so.
func (c *clustered) runs(reference string, current, older, unknown int) {
	c.t.Helper()
	type running struct{ Total, Current, Older, Unknown int }
	want := running{current + older + unknown, current, older, unknown}
	c.eventually("the containers of "+reference+" are counted", func() bool {
		var status struct{ Running running }
		must(c.t, json.Unmarshal([]byte(c.do("status", reference, "-o", "json")), &status))
		return status.Running == want
	})
}

// affected are the workloads that run an image with a vulnerability.
func (c *clustered) affected(id string) (all []ran) {
	c.t.Helper()
	var found struct {
		Affected []struct {
			Older     bool
			Workloads []ran
		}
	}
	must(c.t, json.Unmarshal([]byte(c.do("affected", id, "-o", "json")), &found))
	for _, each := range found.Affected {
		if !each.Older {
			c.t.Errorf("%s: the image that the tag points to has it", id)
		}
		all = append(all, each.Workloads...)
	}
	return all
}

// TestRollOut: a tag moves while three of five pods still run its former image. Everybody
// says so, a vulnerability of that image is found as long as it runs, and the roll-out is
// one runtime_update.
func TestRollOut(t *testing.T) {
	t.Parallel()
	c, kubeconfig := installClustered(t)
	made(c.feed.PublishBuild(t.TempDir(), feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.0.11-1~deb12u2", Severity: "High"}))(t)
	c.do("feed", "sync")
	openssl := func(version string) lab.Part { return lab.Debian(lab.Deb{Name: "openssl", Version: version}) }
	const tag = "shop/web:1"
	reference := c.registry.Reference(tag)
	before := c.image(tag, openssl("3.0.9-1"))
	c.cluster.Deploy("shop", "web", reference, before, before, before, before, before)
	c.do("source", "add", "prod", "kubernetes", kubeconfig, "--type", "tag_update", "--type", "runtime_update")
	c.runs(reference, 5, 0, 0)
	c.eventually("the image is analyzed", func() bool { return c.statusOf(reference).Analyzed == before })

	after := c.image(tag, openssl("3.0.11-1~deb12u2"))
	c.deploy("web", tag, before, before, before, after, after)
	c.runs(reference, 3, 0, 2) // the tag was not checked yet
	c.do("rescan", reference)
	c.runs(reference, 2, 3, 0)
	t.Log(c.do("status", reference))
	c.eventually("the new image is analyzed", func() bool { return c.statusOf(reference).Analyzed == after })
	older := []ran{{"deployment", "shop", "web", "older", 3}}
	if diff := cmp.Diff(older, c.affected("CVE-2026-1001")); diff != "" {
		t.Errorf("during the roll-out, affected are (-want +got)\n%s", diff)
	}

	c.deploy("web", tag, after, after, after, after, after)
	c.runs(reference, 5, 0, 0)
	if found := c.affected("CVE-2026-1001"); len(found) > 0 {
		t.Errorf("after the roll-out, affected are %+v", found)
	}
	if got := kinds(c.notified(2)); got["tag_update"] != 1 || got["runtime_update"] != 1 || len(got) != 2 {
		t.Errorf("notified %v", got)
	}
	for _, hook := range c.receiver.All() {
		var body struct {
			Kind string `json:"queueId"`
			Data struct {
				Payload struct {
					Workloads []ran
				} `json:"notification_payload"`
			}
		}
		must(t, json.Unmarshal(hook.Body, &body))
		if body.Kind == "tag_update" {
			if diff := cmp.Diff(older, body.Data.Payload.Workloads); diff != "" {
				t.Errorf("the move names workloads (-want +got)\n%s", diff)
			}
		}
	}
}
