package watch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func scored(f vuln.Finding, probability float64) vuln.Finding {
	f.EPSS = &probability
	return f
}

// TestScoreCrossesAFilter: a score that crosses the number of a filter is notified where the
// filter is, and nowhere else.
func TestScoreCrossesAFilter(t *testing.T) {
	t.Parallel()
	plain := finding("CVE-2026-0001", vuln.High)
	severe := finding("CVE-2026-0001", vuln.Critical)
	everywhere := map[string]bool{"likely": true, "rare": true, "all": true}
	for _, test := range []struct {
		name    string
		options subscription.Options
		before  vuln.Finding
		now     vuln.Finding
		want    map[string]bool
	}{
		{"rises above one", subscription.Options{}, scored(plain, 0.05), scored(plain, 0.2), map[string]bool{"rare": true}},
		{"rises above both", subscription.Options{}, scored(plain, 0.05), scored(plain, 0.7), map[string]bool{"rare": true, "likely": true}},
		{"falls below", subscription.Options{}, scored(plain, 0.7), scored(plain, 0.2), map[string]bool{"likely": true}},
		{"crosses nothing", subscription.Options{}, scored(plain, 0.2), scored(plain, 0.4), map[string]bool{}},
		{"that of the subscription", subscription.Options{When: "epss >= 0.3"}, scored(plain, 0.2), scored(plain, 0.4), map[string]bool{"rare": true, "all": true}},
		{"that of --epss", subscription.Options{EPSS: 0.3}, scored(plain, 0.2), scored(plain, 0.4), map[string]bool{"rare": true, "all": true}},
		{"with another severity", subscription.Options{}, scored(plain, 0.05), scored(severe, 0.7), everywhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			audience := everyone(test.options)
			audience.Endpoints = []endpoint.Endpoint{{Name: "likely", When: "epss > 0.5"}, {Name: "rare", When: "epss >= 0.1"}, {Name: "all"}}
			before, seen := recorded(), unchanged()
			before.Vulnerabilities, seen.Vulnerabilities, seen.Basis.Build = []vuln.Finding{test.before}, []vuln.Finding{test.now}, "build 2"
			decision, err := watch.Decide(target, before, seen, audience, noon)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, d := range decision.Deliveries {
				got[d.Endpoint] = true
				body, _, _ := received(t, decision, notification.VulnUpdate, d.Endpoint)
				if len(body.Difference.Updated) != 1 || body.Difference.LeftOut != (notification.LeftOut{}) {
					t.Errorf("%s receives %+v", d.Endpoint, body)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("delivered to (-want +got)\n%s", diff)
			}
			if (len(test.want) > 0) != (len(decision.Notifications) > 0) {
				t.Errorf("notifications %+v", decision.Notifications)
			}
		})
	}
}
