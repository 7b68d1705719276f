package subscription

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
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
		not     map[string]notification.Reason
	}{
		{"by subject", Options{}, "docker.io/a:1", []string{"all", "hub"}, map[string]notification.Reason{
			"web": notification.OtherLabels, "hub-policy": notification.OtherType, "pager": notification.ExplicitOnly}},
		{"by label", Options{Labels: map[string]string{"team": "web"}}, "ghcr.io/a:1", []string{"all", "web"}, map[string]notification.Reason{
			"hub": notification.OtherSubject, "hub-policy": notification.OtherType, "pager": notification.ExplicitOnly}},
		{"a name does not widen the scope", Options{Endpoints: []string{"pager", "hub", "deleted"}}, "ghcr.io/a:1", []string{"pager"}, map[string]notification.Reason{
			"all": notification.OtherEndpoints, "web": notification.OtherEndpoints, "hub": notification.OtherSubject,
			"hub-policy": notification.OtherEndpoints, "deleted": notification.EndpointMissing}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, suppressed := Route(test.options, notification.TagUpdate, test.subject, endpoints)
			if !slices.Equal(got, test.want) {
				t.Errorf("goes to %v, want %v", got, test.want)
			}
			not := map[string]notification.Reason{}
			for _, s := range suppressed {
				not[s.Endpoint] = s.Reason
			}
			if !maps.Equal(not, test.not) {
				t.Errorf("does not go to %v, want %v", not, test.not)
			}
		})
	}
}

func TestObstacles(t *testing.T) {
	t.Parallel()
	endpoints := []endpoint.Endpoint{{Name: "all"}, {Name: "off", State: delivery.EndpointState{Disabled: true, Reason: "410"}},
		{Name: "broken", State: delivery.EndpointState{FailingSince: time.Unix(1, 0), LastAnswer: "HTTP 500"}}, {Name: "pager", ExplicitOnly: true, When: "fixable"}, {Name: "high", When: "severity >= high"}}
	disturbed := []notification.Suppression{
		{Type: notification.VulnUpdate, Endpoint: "pager", Reason: notification.ExplicitOnly},
		{Type: notification.VulnUpdate, Endpoint: "off", Reason: notification.EndpointDisabled, Detail: "410"},
		{Type: notification.VulnUpdate, Endpoint: "broken", Reason: notification.EndpointFailing, Detail: "HTTP 500"},
		{Type: notification.VulnUpdate, Endpoint: "high", Reason: notification.Filtered, Detail: "only severity >= high"}}
	subscribed := func(active bool, options Options) []Subscription {
		return []Subscription{{Type: notification.TagUpdate, Active: true}, {Type: notification.VulnUpdate, Active: active, Options: options, Updated: time.Unix(0, 0)}}
	}
	for name, test := range map[string]struct {
		subscriptions []Subscription
		want          []notification.Suppression
	}{
		"another type":  {subscribed(true, Options{})[:1], []notification.Suppression{{Type: notification.VulnUpdate, Reason: notification.NotSubscribed}}},
		"unsubscribed":  {subscribed(false, Options{}), []notification.Suppression{{Type: notification.VulnUpdate, Reason: notification.NotSubscribed, Detail: "unsubscribed 1970-01-01T00:00:00Z"}}},
		"the endpoints": {subscribed(true, Options{}), disturbed},
		"the options": {subscribed(true, Options{MinSeverity: vuln.High, FixableOnly: true, When: `tag == "1"`, Causes: []notification.Cause{notification.CauseFeed}}), append([]notification.Suppression{
			{Type: notification.VulnUpdate, Reason: notification.OtherCause, Detail: "only [feed]"},
			{Type: notification.VulnUpdate, Reason: notification.BelowSeverity, Detail: "only High and above"},
			{Type: notification.VulnUpdate, Reason: notification.NotFixable, Detail: "only vulnerabilities with a fix"},
			{Type: notification.VulnUpdate, Reason: notification.Filtered, Detail: `only tag == "1"`}}, disturbed...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Obstacles(notification.VulnUpdate, "ghcr.io/a:1", test.subscriptions, endpoints)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A filter is named where it may drop the whole notification.
func TestObstaclesOfFilters(t *testing.T) {
	t.Parallel()
	for when, want := range map[string][]notification.Type{
		"severity >= high":           {notification.VulnUpdate},
		`tag == "1"`:                 {notification.TagUpdate, notification.VulnUpdate},
		`fixable && registry != "a"`: {notification.TagUpdate, notification.VulnUpdate, notification.RepoUpdate},
	} {
		var got []notification.Type
		for _, kind := range []notification.Type{notification.TagUpdate, notification.VulnUpdate, notification.RepoUpdate} {
			found := Obstacles(kind, "ghcr.io/a:1", []Subscription{{Type: kind, Active: true, Options: Options{When: when}}}, []endpoint.Endpoint{{Name: "all"}})
			if len(found) > 0 && found[0].Reason == notification.Filtered {
				got = append(got, kind)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
}
