package subscription

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// TestReplaced: what a request changes is said, and nothing of one that repeats the former.
func TestReplaced(t *testing.T) {
	t.Parallel()
	one := func(kind notification.Type, active bool, options Options) Subscription {
		return Subscription{Type: kind, Active: active, Options: options}
	}
	narrow := Options{Endpoints: []string{"ops", "web"}, MinSeverity: "High", Labels: map[string]string{"team": "web"}}
	for name, test := range map[string]struct {
		before, requested []Subscription
		want              []Replacement
	}{
		"new":      {nil, []Subscription{one(notification.VulnUpdate, true, narrow)}, nil},
		"ended":    {[]Subscription{one(notification.VulnUpdate, false, narrow)}, []Subscription{one(notification.VulnUpdate, true, Options{})}, nil},
		"repeated": {[]Subscription{one(notification.VulnUpdate, true, narrow)}, []Subscription{one(notification.VulnUpdate, true, narrow)}, nil},
		"other type": {[]Subscription{one(notification.VulnUpdate, true, narrow)}, []Subscription{one(notification.TagUpdate, true, Options{})},
			[]Replacement{{"types", "vuln_update", "tag_update, vuln_update"}}},
		"dropped": {[]Subscription{one(notification.VulnUpdate, true, narrow)}, []Subscription{one(notification.VulnUpdate, true, Options{})},
			[]Replacement{{"endpoints", "ops, web", ""}, {"labels", `{"team":"web"}`, ""}, {"min_severity", "High", ""}}},
		"given": {[]Subscription{one(notification.VulnUpdate, true, Options{})}, []Subscription{one(notification.VulnUpdate, true, Options{FixableOnly: true, EPSS: 0.1})},
			[]Replacement{{"epss", "", "0.1"}, {"fixable_only", "", "true"}}},
		"long": {[]Subscription{one(notification.VulnUpdate, true, Options{})}, []Subscription{one(notification.VulnUpdate, true, Options{When: strings.Repeat("x", 500)})},
			[]Replacement{{"when", "", strings.Repeat("x", 100) + "..."}}},
	} {
		if diff := cmp.Diff(test.want, Replaced(test.before, test.requested)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	secret := Replaced([]Subscription{one(notification.VulnUpdate, true, Options{})}, []Subscription{one(notification.VulnUpdate, true, Options{Dockerfile: "FROM secret"})})
	if len(secret) != 1 || strings.Contains(secret[0].After, "secret") {
		t.Errorf("a Dockerfile: %v", secret)
	}
}
