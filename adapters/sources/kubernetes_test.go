package sources_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/controlplane"
)

// kubernetesAt is a real API server with the objects of testdata/workloads.yaml, whose pods
// run, and the role of the overlays.
func kubernetesAt(t *testing.T) *controlplane.Cluster {
	t.Helper()
	c := controlplane.Start(t)
	c.RunPods(func(named string) string {
		if named == "ghcr.io/shop/web:2" {
			return "ghcr.io/shop/web@sha256:" + strings.Repeat("2", 64)
		}
		return "sha256:" + strings.Repeat("1", 64)
	})
	for _, file := range []string{"testdata/workloads.yaml", "../../deploy/kubernetes/components/cluster/clusterrole.yaml", "../../deploy/kubernetes/components/cluster/clusterrolebinding.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.Put(c.Documents(string(text))...)
	}
	return c
}

// as is a source that reads with the token of a service account.
func as(c *controlplane.Cluster, account, host string) source.Source {
	c.Helper()
	return source.Source{Name: "prod", Kind: source.Kubernetes, Paths: []string{c.File(account+".kubeconfig", c.Kubeconfig(host, c.Token("tagwatch", account)))}}
}

// TestKubernetesControlPlane reads what a real API server and its controllers have made of
// workloads of each kind, with the least rights that do.
func TestKubernetesControlPlane(t *testing.T) {
	c := kubernetesAt(t)
	all := as(c, "tagwatch", c.Host())
	types := " with {Watch: Types:[tag_update vuln_update] Endpoints:[] When: Interval:0s}"
	want := []string{
		"cronjob shop/report: container report | ghcr.io/shop/report:1 | -> ghcr.io/shop/report:1",
		"daemonset shop/node: container node | quay.io/prometheus/node-exporter:v1.9.0@sha256:3333333333333333333333333333333333333333333333333333333333333333 | -> quay.io/prometheus/node-exporter:v1.9.0 pinned to 333333333333",
		"deployment shop/web: container log | fluent/fluent-bit | -> docker.io/fluent/fluent-bit:latest@linux/arm64" + types + " runs 3x 11111111 pulled with shop/registry",
		"deployment shop/web: container web | ghcr.io/shop/web:2 | -> ghcr.io/shop/web:2@linux/arm64" + types + " runs 3x 22222222 pulled with shop/registry",
		"deployment shop/web: init container migrate | ghcr.io/shop/migrate:2 | -> ghcr.io/shop/migrate:2@linux/arm64" + types + " pulled with shop/registry",
		"job shop/import: container import | ghcr.io/shop/import:1 | -> ghcr.io/shop/import:1 runs 1x 11111111",
		"pod shop/once: container once | ghcr.io/shop/once:1 | -> ghcr.io/shop/once:1 runs 1x 11111111",
		"replicaset shop/bare: container bare | ghcr.io/shop/bare:1 | -> ghcr.io/shop/bare:1",
		"replicationcontroller shop/old: container old | ghcr.io/shop/old:1 | built: its pull policy is Never",
		"statefulset shop/db: container db | postgres:18 | off with {Watch:false Types:[] Endpoints:[] When: Interval:0s} runs 1x 11111111",
	}
	finds(t, c, all, want)
	for name, test := range map[string]struct {
		account    string
		namespaces []string
		found      int
		kind       error
		text       string
	}{
		"an empty namespace":              {"tagwatch", []string{"empty"}, 0, nil, ""},
		"a namespace that does not exist": {"tagwatch", []string{"typo"}, 0, errkind.NotFound, `namespaces "typo" not found`},
		"one namespace by its own role":   {"shop-only", []string{"shop"}, 10, nil, ""},
		"two, one of them empty":          {"shop-only", []string{"empty", "shop"}, 10, nil, ""},
		"another one, without a role":     {"shop-only", []string{"shop", "tagwatch"}, 0, errkind.Unauthorized, `cannot list resource "pods" in API group "" in the namespace "tagwatch"`},
		"all, with the role of one":       {"shop-only", nil, 0, errkind.Unauthorized, `cannot list resource "pods" in API group "" at the cluster scope`},
		"all, with no role":               {"nobody", nil, 0, errkind.Unauthorized, `"system:serviceaccount:tagwatch:nobody" cannot list`},
	} {
		t.Run(name, func(t *testing.T) {
			s := as(c, test.account, c.Host())
			s.Namespaces = test.namespaces
			found, err := workloads(t, s)
			if len(found) != test.found || !errors.Is(err, test.kind) || err != nil && !strings.Contains(err.Error(), test.text) {
				t.Errorf("found %d, error %v; want %d, %v with %q", len(found), err, test.found, test.kind, test.text)
			}
			if test.kind == errkind.Unauthorized {
				watch(t, s, filepath.Dir(s.Paths[0])).endsWith(errkind.Unauthorized)
			}
		})
	}
}

// finds reads until everything that is wanted is found, and nothing else.
func finds(t *testing.T, c *controlplane.Cluster, s source.Source, want []string) {
	t.Helper()
	var diff string
	defer func() {
		if diff != "" {
			t.Errorf("found (-want +got)\n%s", diff)
		}
	}()
	c.Until("what is found", func() bool {
		found, err := workloads(t, s)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, each := range found {
			got = append(got, describeRunning(each))
		}
		diff = cmp.Diff(want, got)
		return diff == ""
	})
}

// TestDeletedControlPlane deletes a stateful set that said it is not to be watched. Its pod,
// which takes its time to end, is not found without what said so.
func TestDeletedControlPlane(t *testing.T) {
	c := kubernetesAt(t)
	s := as(c, "tagwatch", c.Host())
	has := func() (references []string) {
		found, err := workloads(t, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range found {
			if each.Text == "postgres:18" {
				references = append(references, describeRunning(each))
			}
		}
		return references
	}
	c.Until("the pod runs", func() bool { got := has(); return len(got) == 1 && strings.Contains(got[0], "runs 1x") })
	c.Delete("apis/apps/v1/namespaces/shop/statefulsets/db")
	const pod = "api/v1/namespaces/shop/pods/db-0"
	c.Until("the pod ends", func() bool {
		if got := has(); len(got) > 0 && !strings.Contains(got[0], "| off") {
			t.Errorf("found %q", got)
		}
		object, err := c.Get(pod)
		return err == nil && object["metadata"].(lab.Object)["deletionTimestamp"] != nil
	})
	if got := has(); len(got) > 0 {
		t.Errorf("found %q of a stateful set that is deleted", got)
	}
}

// bare is a pod without a controller.
func bare(name, image string) lab.Object {
	return lab.Object{"apiVersion": "v1", "kind": "Pod", "metadata": lab.Object{"namespace": "shop", "name": name},
		"spec": lab.Object{"containers": []lab.Object{{"name": "c", "image": image}}}}
}

// following reads a source whenever its stream announces a change, and then only.
type following struct {
	*watched
	source source.Source
	seen   int64 // changes that were announced before the last reading
}

// until waits for a reading in which an image of the pods new and newer is the wanted one.
func (f *following) until(what, image string) {
	f.Helper()
	for range 100 {
		f.announced(what)
		found, err := workloads(f.T, f.source)
		if err != nil {
			f.Fatalf("%s: %v", what, err)
		}
		got := "none"
		for _, each := range found {
			if strings.Contains(each.Text, "/new") {
				got = each.Text
			}
		}
		if got == image {
			return
		}
	}
	f.Errorf("%s: no reading has %s", what, image)
}

func (f *following) announced(what string) {
	f.Helper()
	for range 6000 {
		if now := f.changes.Load(); now > f.seen {
			f.seen = now
			return
		}
		select {
		case err := <-f.ended:
			f.Fatalf("%s: the stream ended: %v", what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	f.Fatalf("%s: not announced", what)
}

// TestWatchKubernetesControlPlane follows the streams of a real API server while they break,
// end, and begin again with other versions.
func TestWatchKubernetesControlPlane(t *testing.T) {
	c := kubernetesAt(t)
	c.Backup()
	link, err := lab.NewLink("tcp", c.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	s := as(c, "tagwatch", link.Host())
	f := following{watched: watch(t, s, filepath.Dir(s.Paths[0])), source: s}
	f.until("to begin with", "none")
	c.Put(bare("new", "ghcr.io/shop/new:1"))
	f.until("a pod appears", "ghcr.io/shop/new:1")
	c.Put(bare("new", "ghcr.io/shop/new:2"))
	f.until("its image is another", "ghcr.io/shop/new:2")

	link.Cut()
	c.Put(bare("new", "ghcr.io/shop/new:3"))
	f.until("a change while the streams were broken", "ghcr.io/shop/new:3")

	thaw := link.Freeze()
	c.KillServer()
	c.Run()
	c.Put(bare("new", "ghcr.io/shop/new:4"))
	c.Compact()
	thaw()
	f.until("the API server was killed, and versions are gone", "ghcr.io/shop/new:4")
	c.Put(bare("new", "ghcr.io/shop/new:5"))
	f.until("the streams go on", "ghcr.io/shop/new:5")

	thaw = link.Freeze()
	c.Restore()
	c.Run()
	thaw()
	f.until("versions begin anew, from a backup", "none")
	c.Put(bare("newer", "ghcr.io/shop/newer:1"))
	f.until("a pod appears then", "ghcr.io/shop/newer:1")
	c.Delete(controlplane.Path(bare("newer", "")))
	f.until("a pod goes", "none")
	c.KillServer()
	f.endsWith(errkind.Unavailable)
}
