package activities_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/controlplane"
)

// kubernetesRig follows a real API server through a link, as a service account with the role
// that the overlays have for it.
type kubernetesRig struct {
	*streamRig
	cluster *controlplane.Cluster
	link    *lab.Link
}

const overlayRole = "../deploy/kubernetes/components/cluster/"

// newKubernetes has the deployments web and api, each with a pod, which its backup has too.
func newKubernetes(t *testing.T) *kubernetesRig {
	t.Helper()
	r := &kubernetesRig{cluster: controlplane.Start(t), streamRig: newStreamRig(t)}
	r.cluster.Put(lab.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": lab.Object{"name": "tagwatch"}},
		lab.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": lab.Object{"name": "shop"}},
		lab.Object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": lab.Object{"name": "tagwatch", "namespace": "tagwatch"}})
	r.allow()
	r.cluster.RunPods(func(named string) string { return r.registry.Reference("app") + "@" + string(r.digest(named)) })
	r.deploy("web", "app:1", 1)
	r.deploy("api", "app:3", 1)
	r.available("web", 1)
	r.available("api", 1)
	r.cluster.Backup()
	var err error
	r.link, err = lab.NewLink("tcp", r.cluster.Host())
	r.must(err)
	t.Cleanup(func() { _ = r.link.Close() })
	r.follow(r.cluster.Kubeconfig(r.link.Host(), r.cluster.Token("tagwatch", "tagwatch")))
	return r
}

// allow binds the role of the overlays.
func (r *kubernetesRig) allow() {
	r.Helper()
	for _, file := range []string{"clusterrole.yaml", "clusterrolebinding.yaml"} {
		text, err := os.ReadFile(overlayRole + file)
		r.must(err)
		r.cluster.Put(r.cluster.Documents(string(text))...)
	}
}

func (r *kubernetesRig) digest(named string) image.Digest {
	for tag, digest := range r.digests {
		if r.registry.Reference(tag) == named {
			return digest
		}
	}
	return ""
}

func deployment(name string) lab.Object {
	return lab.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": lab.Object{"namespace": "shop", "name": name}}
}

// deploy makes or changes a deployment.
func (r *kubernetesRig) deploy(name, tag string, count int) {
	r.Helper()
	object, own := deployment(name), lab.Object{"app": name}
	object["spec"] = lab.Object{"replicas": count, "selector": lab.Object{"matchLabels": own}, "template": lab.Object{"metadata": lab.Object{"labels": own},
		"spec": lab.Object{"containers": []lab.Object{{"name": "main", "image": r.registry.Reference(tag)}}}}}
	r.cluster.Put(object)
}

func (r *kubernetesRig) available(name string, count int) {
	r.Helper()
	r.cluster.Until("pods of "+name, func() bool {
		object, err := r.cluster.Get(controlplane.Path(deployment(name)))
		return err == nil && object["status"].(lab.Object)["availableReplicas"] == float64(count)
	})
}

// fails holds that a source which cannot be read ends nothing.
func (r *kubernetesRig) fails(what string) {
	r.Helper()
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Tags != 2 || len(got.Added)+len(got.Ended) > 0 {
			r.Errorf("%s: %+v", what, got)
		}
	}
}

// TestStreamsOfControlPlane is TestStreams with a real control plane, which is killed, cut off,
// compacted and set back.
func TestStreamsOfControlPlane(t *testing.T) {
	r := newKubernetes(t)
	if got := r.woken(); got.Tags != 2 || got.Problem != nil {
		t.Fatalf("first listing %+v", got)
	}
	r.runs("app:1", 1)
	r.deploy("web", "app:1", 3)
	r.runs("app:1", 3)
	r.deploy("web", "app:2", 2)
	r.settles("another image", "app:2", "app:3")
	r.runs("app:2", 2)

	r.cluster.KillServer()
	r.await()
	r.fails("an API server that was killed")
	r.cluster.Run()
	r.deploy("new", "app:1", 1)
	r.settles("it is back", "app:1", "app:2", "app:3")
	r.runs("app:1", 1)

	r.link.Cut()
	r.cluster.Delete(controlplane.Path(deployment("new")))
	r.settles("the streams broke", "app:2", "app:3")

	r.link.Set(lab.Weather{Loss: 1, Random: rand.New(rand.NewPCG(1, 1))})
	r.link.Cut()
	r.await()
	r.deploy("web", "app:1", 1)
	r.available("web", 1)
	r.fails("an API server that is cut off")
	r.link.Set(lab.Weather{})
	r.settles("it is reached again", "app:1", "app:3")
	r.runs("app:1", 1)

	thaw := r.link.Freeze()
	r.cluster.KillServer()
	r.cluster.Run()
	r.deploy("new", "app:2", 1)
	r.available("new", 1)
	r.cluster.Compact()
	thaw()
	r.settles("its versions are gone", "app:1", "app:2", "app:3")
	r.runs("app:2", 1)

	thaw = r.link.Freeze()
	r.cluster.Restore()
	r.cluster.Run()
	r.deploy("web", "app:2", 1)
	thaw()
	r.settles("it is set back to its backup, with versions of then", "app:2", "app:3")
	r.runs("app:2", 1)
	r.forbidden()
	r.gone()
	for _, line := range r.notified() {
		if !strings.HasPrefix(line, "system.source.") {
			t.Errorf("notified of %s, want nothing: no tag has moved", line)
		}
	}
}

// forbidden takes the role away, which people must see as an error.
func (r *kubernetesRig) forbidden() {
	r.Helper()
	r.cluster.Delete("apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tagwatch-workloads")
	r.problem("a list that is forbidden", func(got source.Listing) bool {
		return got.Problem != nil && strings.Contains(got.Problem.Message, "is forbidden")
	})
	r.fails("a list that is forbidden")
	r.allow()
	r.problem("it is allowed again", func(got source.Listing) bool { return got.Problem == nil })
}

// gone holds that everything gone at once waits to be confirmed.
func (r *kubernetesRig) gone() {
	r.Helper()
	for _, name := range []string{"web", "api"} {
		r.cluster.Delete(controlplane.Path(deployment(name)))
	}
	r.problem("everything gone at once", func(got source.Listing) bool {
		return got.Problem != nil && got.Problem.Stage == condition.StageConfirm
	})
	r.fails("everything gone at once")
}

// problem reads until the listing is as wanted, with both tags.
func (r *kubernetesRig) problem(what string, wanted func(source.Listing) bool) {
	r.Helper()
	r.cluster.Until(what, func() bool {
		got := r.read()
		if got.Tags != 2 {
			r.Errorf("%s: %+v", what, got)
		}
		return wanted(got)
	})
}
