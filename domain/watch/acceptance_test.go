package watch_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func accepted(f vuln.Finding, id int64, until time.Time) vuln.Finding {
	f.Accepted = &vuln.Accepted{ID: id, Reason: "not reachable", Until: until}
	return f
}

// TestCausesOfAcceptances: an acceptance that begins or ends has the cause that ended it,
// beside whatever else happened; one that stays has none.
func TestCausesOfAcceptances(t *testing.T) {
	t.Parallel()
	plain := finding("CVE-2026-0001", vuln.High)
	patched := fixable("CVE-2026-0001", vuln.High)
	for _, test := range []struct {
		name        string
		before, now vuln.Finding
		build       string
		want        []notification.Cause
	}{
		{"accepted", plain, accepted(plain, 1, time.Time{}), "build 1", []notification.Cause{notification.CauseAcceptance}},
		{"revoked", accepted(plain, 1, time.Time{}), plain, "build 1", []notification.Cause{notification.CauseAcceptance}},
		{"at its end", accepted(plain, 1, noon), plain, "build 1", []notification.Cause{notification.CauseTime}},
		{"at its end, with new data", accepted(plain, 1, noon), plain, "build 2", []notification.Cause{notification.CauseFeed, notification.CauseTime}},
		{"a fix", accepted(plain, 1, time.Time{}), patched, "build 2", []notification.Cause{notification.CauseFeed}},
		{"the fix is withdrawn", patched, accepted(plain, 1, time.Time{}), "build 2", []notification.Cause{notification.CauseFeed}},
		{"accepted, with new data", plain, accepted(plain, 1, time.Time{}), "build 2", []notification.Cause{notification.CauseAcceptance, notification.CauseFeed}},
		{"accepted for longer", accepted(plain, 1, noon.Add(1)), accepted(plain, 2, time.Time{}), "build 1", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, seen := recorded(), unchanged()
			before.Basis.Acceptances, seen.Basis.Acceptances, seen.Basis.Build = "key 1", "key 2", test.build
			before.Vulnerabilities, seen.Vulnerabilities = []vuln.Finding{test.before}, []vuln.Finding{test.now}
			if test.name != "revoked" {
				seen.Acceptances = []acceptance.Acceptance{{ID: 1, Vulnerability: "CVE-2026-0001"}}
			}
			if test.want != nil {
				seen.Evaluation = evaluation(older, policy.Stop)
			}
			decision, err := watch.Decide(target, before, seen, everyone(subscription.Options{}), noon)
			if err != nil {
				t.Fatal(err)
			}
			var types []notification.Type
			for _, n := range decision.Notifications {
				types = append(types, n.Type)
				var body struct {
					Cause       notification.Cause
					Causes      []notification.Cause
					Acceptances struct{ Begun, Ended []struct{ ID int } }
				}
				if err := json.Unmarshal(n.Payload, &body); err != nil {
					t.Fatal(err)
				}
				causes := body.Causes
				if causes == nil {
					causes = []notification.Cause{body.Cause}
				}
				if diff := cmp.Diff(test.want, causes); diff != "" {
					t.Errorf("%s: causes (-want +got)\n%s", n.Type, diff)
				}
				if len(body.Acceptances.Begun)+len(body.Acceptances.Ended) != 1 {
					t.Errorf("%s names %+v: %s", n.Type, body.Acceptances, n.Payload)
				}
			}
			want := []notification.Type{notification.VulnUpdate, notification.PolicyEval}
			if test.want == nil {
				want = nil
			}
			if !slices.Equal(types, want) {
				t.Errorf("notified %v, want %v", types, want)
			}
		})
	}
}

// TestFilterOfAccepted: a receiver that drops what is accepted is notified that it is, and of
// the end, but not of what happens in between.
func TestFilterOfAccepted(t *testing.T) {
	t.Parallel()
	audience := everyone(subscription.Options{})
	audience.Endpoints = []endpoint.Endpoint{{Name: "unaccepted", When: "!accepted"}, {Name: "all"}}
	plain, other := finding("CVE-2026-0001", vuln.High), finding("CVE-2026-0001", vuln.Critical)
	state := recorded()
	for _, step := range []struct {
		name string
		now  vuln.Finding
		want map[string]bool
	}{
		{"accepted", accepted(plain, 1, time.Time{}), map[string]bool{"unaccepted": true, "all": true}},
		{"updated meanwhile", accepted(other, 1, time.Time{}), map[string]bool{"all": true}},
		{"ended", other, map[string]bool{"unaccepted": true, "all": true}},
	} {
		seen := unchanged()
		seen.Basis.Acceptances, seen.Vulnerabilities = step.name, []vuln.Finding{step.now}
		decision, err := watch.Decide(target, state, seen, audience, noon)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, d := range decision.Deliveries {
			got[d.Endpoint] = true
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: delivered to (-want +got)\n%s", step.name, diff)
		}
		state = decision.State
	}
}
