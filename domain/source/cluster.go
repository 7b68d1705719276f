package source

import (
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// InCluster stands in place of a kubeconfig file for the cluster that the worker runs in,
// and the service account of its pod.
const InCluster = "in-cluster"

// Cluster says which part of a cluster a source of kind Kubernetes is.
type Cluster struct {
	// Context is that of the kubeconfig file; empty for its current one.
	Context string `json:"context,omitempty"`
	// Namespaces are those whose workloads are watched; none for all.
	Namespaces []string `json:"namespaces,omitempty"`
	// Selector chooses workloads by their labels, as kubectl has it; empty for all.
	Selector string `json:"selector,omitempty"`
}

// mostNamespaces bounds the namespaces of one source: each has a stream for each kind of
// workload.
const mostNamespaces = 50

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Zero reports whether nothing is chosen.
func (c Cluster) Zero() bool { return c.Context == "" && len(c.Namespaces) == 0 && c.Selector == "" }

// validate checks the namespaces. The selector is checked by the worker that reads.
func (c Cluster) validate() error {
	if len(c.Namespaces) > mostNamespaces {
		return fmt.Errorf("%d namespaces are more than the %d that one source may name; name none for all, or add another source: %w", len(c.Namespaces), mostNamespaces, errkind.Limit)
	}
	for _, name := range c.Namespaces {
		if !dnsLabel.MatchString(name) {
			return fmt.Errorf("invalid namespace %q: use up to 63 lower-case letters, digits and '-': %w", name, errkind.Invalid)
		}
	}
	return nil
}

// checkCluster accepts InCluster, without a context, and an absolute path.
func (s Source) checkCluster(path string) error {
	switch {
	case len(s.Paths) > 1:
		return fmt.Errorf("a source reads one cluster; add another source for the next: %w", errkind.Invalid)
	case path == InCluster && s.Context != "":
		return fmt.Errorf("%s has no contexts; name a kubeconfig file instead: %w", InCluster, errkind.Invalid)
	case path != InCluster && !filepath.IsAbs(path):
		return fmt.Errorf("path %q: expected the absolute path of a kubeconfig file of the worker, or %s: %w", path, InCluster, errkind.Invalid)
	}
	return nil
}
