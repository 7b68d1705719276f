package sources

import (
	"context"
	"net"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/adapters/sources/cluster"
	"github.com/tagwatch/tagwatch/domain/source"
)

// kubernetes finds the images of a cluster's workloads.
func (r *Reader) kubernetes(ctx context.Context, s source.Source) (source.Reading, error) {
	client, err := r.cluster(s)
	if err != nil {
		return source.Reading{}, err
	}
	defer client.Close()
	found, err := client.Read(ctx, scopeOf(s))
	return source.Reading{Found: found}, err
}

func scopeOf(s source.Source) cluster.Scope {
	return cluster.Scope{Namespaces: s.Namespaces, Selector: s.Selector, Platform: s.Platform}
}

// cluster is the client of a source's API server. Its kubeconfig file, and the files that
// this names, have to be below the paths that sources may read.
func (r *Reader) cluster(s source.Source) (*cluster.Client, error) {
	dialer := outbound.Checked(net.Dialer{Timeout: connectTimeout}, allowed)
	access := cluster.Access{Context: s.Context, ReadFile: r.content, Dial: dialer.DialContext, UserAgent: r.options.UserAgent}
	if s.Paths[0] != source.InCluster {
		text, err := r.content(s.Paths[0])
		if err != nil {
			return nil, err
		}
		access.Kubeconfig = text
	}
	return cluster.Connect(access)
}
