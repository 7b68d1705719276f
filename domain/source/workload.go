package source

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Workload is what a cluster or an engine keeps running: a deployment, a service, a
// single container. It keeps its name when its image changes.
type Workload struct {
	// Kind is the word of its platform, in lower case: deployment, cronjob, service,
	// container.
	Kind string `json:"kind"`
	// Namespace is that of a cluster, or the project or stack of an engine's services.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Container is the container's name within the workload; empty where a workload has
	// only one.
	Container string `json:"container,omitempty"`
	// Origin is what every source that lists the workload knows it by: the UID of a
	// cluster's object, the identifier of a Swarm's service, the first identifier of its
	// containers. What one node of a Swarm knows of a service has that of the node behind an
	// @. Empty if nothing is known.
	Origin string `json:"origin,omitempty"`
	// Running are the images that run now, each digest once and at most MostRunning;
	// empty for a workload that runs nothing at present.
	Running []Running `json:"running,omitempty"`
}

// Running is how many containers of a workload run one image.
type Running struct {
	// Digest is what the runtime reports: of a manifest, of an index of several platforms,
	// or of a configuration. Empty if it reports none.
	Digest image.Digest `json:"digest,omitempty"`
	Count  int          `json:"count"`
}

const (
	// MostWorkloads bounds the workloads of one reference in one place.
	MostWorkloads = 200
	// MostRunning bounds the digests of one workload; the containers beyond count as those
	// of an unknown image.
	MostRunning = 20
)

// Same reports whether two are the same container of the same workload.
func (w Workload) Same(other Workload) bool {
	return w.Kind == other.Kind && w.Namespace == other.Namespace && w.Name == other.Name && w.Container == other.Container
}

// Count is how many of its containers run.
func (w Workload) Count() (n int) {
	for _, each := range w.Running {
		n += each.Count
	}
	return n
}

// Merge adds workloads to others: what runs of the same workload is added up.
func Merge(all, more []Workload) []Workload {
	all = slices.Clone(all)
	for _, w := range more {
		at := slices.IndexFunc(all, w.Same)
		if at < 0 {
			if len(all) == MostWorkloads {
				continue
			}
			at = len(all)
			all = append(all, Workload{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Container: w.Container})
		}
		all[at].Origin = earlier(all[at].Origin, w.Origin)
		all[at].Running = addUp(all[at].Running, w.Running)
	}
	return all
}

// earlier is the first of two origins that are known.
func earlier(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return min(a, b)
}

// addUp adds counts of the same digest.
func addUp(all, more []Running) []Running {
	all = slices.Clone(all)
	for _, each := range more {
		if each.Count < 1 {
			continue
		}
		if at := indexOf(all, each.Digest); at >= 0 {
			all[at].Count += each.Count
			continue
		}
		if len(all) < MostRunning-1 || each.Digest == "" {
			all = append(all, each)
		} else {
			all = addUp(all, []Running{{Count: each.Count}})
		}
	}
	return all
}

func indexOf(all []Running, digest image.Digest) int {
	return slices.IndexFunc(all, func(r Running) bool { return r.Digest == digest })
}
