package watch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// happenings are the transitions of a tag, by name.
func happenings() map[string]func(*watch.State, *watch.Seen) {
	scored := func(probability float64) []vuln.Finding {
		f := finding("CVE-2026-0001", vuln.High)
		f.EPSS = &probability
		return []vuln.Finding{f}
	}
	return map[string]func(*watch.State, *watch.Seen){
		"nothing":     func(*watch.State, *watch.Seen) {},
		"first check": func(before *watch.State, _ *watch.Seen) { *before = watch.State{} },
		"everything":  func(_ *watch.State, seen *watch.Seen) { *seen = turmoil() },
		"pending":     func(_ *watch.State, seen *watch.Seen) { *seen = pending() },
		"no result": func(_ *watch.State, seen *watch.Seen) {
			seen.Matched, seen.Vulnerabilities, seen.Evaluation = false, nil, nil
		},
		"low, and high without a fix": func(_ *watch.State, seen *watch.Seen) {
			seen.Basis.Build = "build 2"
			seen.Vulnerabilities = append(recorded().Vulnerabilities, finding("CVE-2026-0002", vuln.Low), finding("CVE-2026-0003", vuln.High))
		},
		"scores": func(before *watch.State, seen *watch.Seen) {
			before.Vulnerabilities, seen.Vulnerabilities, seen.Basis.Build = scored(0.01), scored(0.02), "build 2"
		},
		"matcher": func(_ *watch.State, seen *watch.Seen) { seen.Basis.Matcher, seen.Vulnerabilities = "matcher 2", nil },
		"go to warn": func(_ *watch.State, seen *watch.Seen) {
			seen.Basis.Bundle, seen.Evaluation = "bundle 2", evaluation(older, policy.Warn)
		},
	}
}

// TestEveryDecisionHasItsReason: whatever happens, and whoever is to be notified, each
// type is notified or has a reason why not; decide checks that.
func TestEveryDecisionHasItsReason(t *testing.T) {
	t.Parallel()
	endpoints := []endpoint.Endpoint{{Name: "chat"}, {Name: "pager", ExplicitOnly: true}, {Name: "log", Types: []notification.Type{notification.EventLog}},
		{Name: "web", Scope: endpoint.Scope{Labels: map[string]string{"team": "web"}}}, {Name: "hub", Scope: endpoint.Scope{Subjects: []string{"docker.io/*"}}}}
	for _, options := range []subscription.Options{
		{}, {MinSeverity: vuln.High}, {FixableOnly: true}, {MinSeverity: vuln.High, FixableOnly: true}, {EPSS: 0.5}, {EveryAction: true},
		{Causes: []notification.Cause{notification.CauseTime}}, {Causes: []notification.Cause{notification.CauseScanner}},
		{Endpoints: []string{"pager", "deleted"}}, {Labels: map[string]string{"team": "web"}},
	} {
		for name, happens := range happenings() {
			before, seen := recorded(), unchanged()
			happens(&before, &seen)
			audience := everyone(options)
			audience.Endpoints = endpoints
			t.Logf("%s with %+v", name, options)
			decide(t, before, seen, audience)
			audience.Subscriptions = audience.Subscriptions[:1]
			decide(t, before, seen, audience)
		}
	}
}

func TestDecideNamesReasons(t *testing.T) {
	t.Parallel()
	inactive := everyone(subscription.Options{})
	for i := range inactive.Subscriptions {
		inactive.Subscriptions[i].Active = false
	}
	nowhere := everyone(subscription.Options{})
	nowhere.Endpoints = nil
	vulnerabilities := func(reason notification.Reason, detail string) notification.Suppression {
		return notification.Suppression{Type: notification.VulnUpdate, Reason: reason, Detail: detail}
	}
	tests := []struct {
		name, happens string
		audience      subscription.Audience
		want          []notification.Suppression // what differs
	}{
		{"nothing differs", "nothing", everyone(subscription.Options{}), nil},
		{"no result", "no result", everyone(subscription.Options{}), nil},
		{"first check", "first check", everyone(subscription.Options{}), []notification.Suppression{
			{Type: notification.TagUpdate, Reason: notification.FirstObservation}, vulnerabilities(notification.FirstObservation, ""),
			{Type: notification.PolicyEval, Reason: notification.FirstObservation}}},
		{"unsubscribed", "low, and high without a fix", inactive, []notification.Suppression{vulnerabilities(notification.NotSubscribed, "")}},
		{"another cause", "low, and high without a fix", everyone(subscription.Options{Causes: []notification.Cause{notification.CauseImage}}),
			[]notification.Suppression{vulnerabilities(notification.OtherCause, "[feed], not [image]")}},
		{"a part is too low", "low, and high without a fix", everyone(subscription.Options{MinSeverity: vuln.High}),
			[]notification.Suppression{vulnerabilities(notification.BelowSeverity, "CVE-2026-0002")}},
		{"too low, or not fixable", "low, and high without a fix", everyone(subscription.Options{MinSeverity: vuln.High, FixableOnly: true}),
			[]notification.Suppression{vulnerabilities(notification.BelowSeverity, "CVE-2026-0002"), vulnerabilities(notification.NotFixable, "CVE-2026-0003")}},
		{"scores that do not cross", "scores", everyone(subscription.Options{EPSS: 0.5}), []notification.Suppression{vulnerabilities(notification.BelowEPSS, "")}},
		{"scores that nobody asked for", "scores", everyone(subscription.Options{}), nil},
		{"another matcher", "matcher", everyone(subscription.Options{}), []notification.Suppression{
			{Type: notification.VulnUpdate, Endpoint: "chat", Reason: notification.Summarized}}},
		{"go to warn", "go to warn", everyone(subscription.Options{}), []notification.Suppression{
			{Type: notification.PolicyEval, Reason: notification.SameStatus, Detail: "final action warn, was go"}}},
		{"go to warn, every action", "go to warn", everyone(subscription.Options{EveryAction: true}), nil},
		{"no endpoint", "pending", nowhere, []notification.Suppression{{Type: notification.TagUpdate, Reason: notification.NoEndpoint}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, seen := recorded(), unchanged()
			happenings()[test.happens](&before, &seen)
			var got []notification.Suppression
			for _, s := range decide(t, before, seen, test.audience).Suppressed {
				if s.Differs() {
					got = append(got, s)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("not notified (-want +got)\n%s", diff)
			}
		})
	}
}
