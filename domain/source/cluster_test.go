package source_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
)

func TestValidateCluster(t *testing.T) {
	t.Parallel()
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("n%d", i)
	}
	for name, test := range map[string]struct {
		kind    source.Kind
		paths   []string
		cluster source.Cluster
		problem string
	}{
		"in the cluster":         {source.Kubernetes, []string{"in-cluster"}, source.Cluster{Namespaces: []string{"shop"}, Selector: "a=b"}, ""},
		"a file":                 {source.Kubernetes, []string{"/etc/kubeconfig"}, source.Cluster{Context: "prod"}, ""},
		"a file somewhere":       {source.Kubernetes, []string{"kubeconfig"}, source.Cluster{}, "absolute path of a kubeconfig file"},
		"two files":              {source.Kubernetes, []string{"/a", "/b"}, source.Cluster{}, "one cluster"},
		"an address":             {source.Kubernetes, []string{"https://10.0.0.1:6443"}, source.Cluster{}, "absolute path of a kubeconfig file"},
		"a context of none":      {source.Kubernetes, []string{"in-cluster"}, source.Cluster{Context: "prod"}, "no contexts"},
		"a path for a namespace": {source.Kubernetes, []string{"in-cluster"}, source.Cluster{Namespaces: []string{"shop/../secrets"}}, `namespace "shop/../secrets"`},
		"too many namespaces":    {source.Kubernetes, []string{"in-cluster"}, source.Cluster{Namespaces: many}, "51 namespaces"},
		"a namespace of a file":  {source.File, []string{"/a"}, source.Cluster{Namespaces: []string{"shop"}}, "has no context, namespaces and selector"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source.Source{Name: "prod", Kind: test.kind, Paths: test.paths, Cluster: test.cluster, Types: notification.TagTypes}
			err := s.Validate(nil)
			if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("%v, want %q", err, test.problem)
			}
		})
	}
}
