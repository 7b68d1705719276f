package subscription

import (
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestRouteBySubject(t *testing.T) {
	t.Parallel()
	endpoints := []endpoint.Endpoint{
		{Name: "all"},
		{Name: "web", Scope: endpoint.Scope{Labels: map[string]string{"team": "web"}}},
		{Name: "hub", Scope: endpoint.Scope{Subjects: []string{"docker.io/*"}}},
		{Name: "hub-policy", Types: []notification.Type{notification.PolicyEval}, Scope: endpoint.Scope{Subjects: []string{"docker.io/*"}}},
		{Name: "pager", ExplicitOnly: true, Scope: endpoint.Scope{Subjects: []string{"ghcr.io/*"}}},
	}
	tests := []struct {
		name    string
		options Options
		subject string
		want    []string
	}{
		{"by subject", Options{}, "docker.io/a:1", []string{"all", "hub"}},
		{"by label", Options{Labels: map[string]string{"team": "web"}}, "ghcr.io/a:1", []string{"all", "web"}},
		{"a name does not widen the scope", Options{Endpoints: []string{"pager", "hub"}}, "ghcr.io/a:1", []string{"pager"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Route(test.options, notification.TagUpdate, test.subject, endpoints); !slices.Equal(got, test.want) {
				t.Errorf("goes to %v, want %v", got, test.want)
			}
		})
	}
}
