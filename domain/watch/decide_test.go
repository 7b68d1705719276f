package watch_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

const (
	older = image.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	newer = image.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	index = image.Digest("sha256:3333333333333333333333333333333333333333333333333333333333333333")
)

var (
	repository = image.Repository{Registry: "registry.example.com", Path: "team/app"}
	target     = image.Target{Reference: repository.Reference("latest")}
	noon       = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// finding is a vulnerability of a package without a fix.
func finding(id string, severity vuln.Severity) vuln.Finding {
	return vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Severity: severity,
		Package: vuln.Package{Name: "openssl", Version: "3.0.11", Type: "deb"}, Fix: vuln.Fix{State: vuln.FixNone}}
}

// fixable is a vulnerability of a package that another version does not have.
func fixable(id string, severity vuln.Severity) vuln.Finding {
	f := finding(id, severity)
	f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"3.0.12"}}
	return f
}

func evaluation(digest image.Digest, action policy.Action) *watch.Evaluation {
	status := policy.Pass
	if action == policy.Stop {
		status = policy.Fail
	}
	return &watch.Evaluation{Digest: digest, Bundle: "bundle 1", Status: status, FinalAction: action,
		Document: []byte(`{"status":"` + string(status) + `"}`)}
}

// recorded is the state of a tag that is analyzed, matched and evaluated.
func recorded() watch.State {
	return watch.State{
		Revision: 7, Resolved: image.Resolved{Manifest: older}, Analyzed: older,
		Basis:   watch.Basis{Build: "build 1", Matcher: "matcher 1", Bundle: "bundle 1", Analyzer: "analyzer 1"},
		Matched: true, Vulnerabilities: []vuln.Finding{finding("CVE-2026-0001", vuln.High)}, Counts: vuln.Counts{High: 1},
		Evaluation: evaluation(older, policy.Go), Checked: noon.Add(-time.Hour), Changed: noon.Add(-24 * time.Hour),
	}
}

// unchanged is what a pass sees when everything is as it was recorded.
func unchanged() watch.Seen {
	s := recorded()
	return watch.Seen{Resolved: s.Resolved, Analyzed: s.Analyzed, Packages: 40, Basis: s.Basis, Matched: true,
		Vulnerabilities: s.Vulnerabilities, Evaluation: s.Evaluation}
}

// everyone is subscribed to everything, with those options, at one endpoint.
func everyone(options subscription.Options) subscription.Audience {
	a := subscription.Audience{Account: "admin", Endpoints: []endpoint.Endpoint{{Name: "chat"}}, RetryWindow: 75 * time.Hour}
	for _, t := range notification.DefaultTypes {
		a.Subscriptions = append(a.Subscriptions, subscription.Subscription{Target: target, Type: t, Active: true, Options: options})
	}
	return a
}

func decide(t *testing.T, before watch.State, seen watch.Seen, audience subscription.Audience) watch.Decision {
	t.Helper()
	decision, err := watch.Decide(target, before, seen, audience, noon)
	if err != nil {
		t.Fatal(err)
	}
	hasReasons(t, decision, audience)
	return decision
}

// hasReasons: each type, and each endpoint of what is notified, is either notified or
// has a reason why not.
func hasReasons(t *testing.T, d watch.Decision, audience subscription.Audience) {
	t.Helper()
	reasons := map[notification.Type]map[string]bool{}
	for _, s := range d.Suppressed {
		if reasons[s.Type] == nil {
			reasons[s.Type] = map[string]bool{}
		}
		reasons[s.Type][s.Endpoint] = s.Reason != ""
	}
	sent := map[[2]string]bool{}
	for _, delivery := range d.Deliveries {
		sent[[2]string{delivery.Notification, delivery.Endpoint}] = true
	}
	made := map[notification.Type]bool{}
	for _, n := range d.Notifications {
		made[n.Type] = true
		for _, e := range audience.Endpoints {
			if sent[[2]string{n.ID, e.Name}] == reasons[n.Type][e.Name] {
				t.Errorf("%s to %s: sent %t, reason why not %t", n.Type, e.Name, !reasons[n.Type][e.Name], reasons[n.Type][e.Name])
			}
		}
	}
	for _, kind := range notification.DefaultTypes {
		if !made[kind] && !reasons[kind][""] {
			t.Errorf("%s: neither notified nor a reason why not in %+v", kind, d.Suppressed)
		}
	}
}

// notified lists what is notified, each with its cause.
func notified(d watch.Decision) []string {
	var lines []string
	for _, n := range d.Notifications {
		lines = append(lines, string(n.Type)+" "+string(n.Cause))
	}
	return lines
}

func TestDecide(t *testing.T) {
	t.Parallel()
	moved := func(_ *watch.State, seen *watch.Seen) {
		seen.Resolved.Manifest, seen.Analyzed = newer, newer
	}
	listed := func(list ...vuln.Finding) func(*watch.State, *watch.Seen) {
		return func(_ *watch.State, seen *watch.Seen) { seen.Vulnerabilities = list }
	}
	judged := func(action policy.Action) func(*watch.State, *watch.Seen) {
		return func(_ *watch.State, seen *watch.Seen) { seen.Evaluation = evaluation(seen.Analyzed, action) }
	}
	basis := func(change func(*watch.Basis)) func(*watch.State, *watch.Seen) {
		return func(_ *watch.State, seen *watch.Seen) { change(&seen.Basis) }
	}
	newFeed := basis(func(b *watch.Basis) { b.Build = "build 2" })
	newBundle := basis(func(b *watch.Basis) { b.Bundle = "bundle 2" })
	newEngine := basis(func(b *watch.Basis) { b.Matcher = "matcher 2" })
	newAnalyzer := basis(func(b *watch.Basis) { b.Analyzer = "analyzer 2" })
	never := func(before *watch.State, _ *watch.Seen) { *before = watch.State{} }
	worse := listed(finding("CVE-2026-0001", vuln.High), finding("CVE-2026-0002", vuln.Low))

	type change = func(*watch.State, *watch.Seen)
	tests := []struct {
		name    string
		changes []change
		want    []string
	}{
		{"nothing", nil, nil},
		{"new data that say the same", []change{newFeed}, nil},
		{"new bundle that says the same", []change{newBundle}, nil},
		{"first observation", []change{never}, []string{"analysis_update image"}},
		{"first observation that fails the policies", []change{never, judged(policy.Stop)}, []string{"analysis_update image"}},

		{"moved, equal content", []change{moved}, []string{"tag_update image", "analysis_update image"}},
		{"moved, worse", []change{moved, worse, judged(policy.Stop)},
			[]string{"tag_update image", "analysis_update image", "vuln_update image", "policy_eval image"}},
		{"moved while the data changed too", []change{moved, newFeed, worse}, []string{"tag_update image", "analysis_update image", "vuln_update image"}},
		{"moved to an image that cannot be analyzed", []change{func(_ *watch.State, seen *watch.Seen) { seen.Resolved.Manifest = newer }},
			[]string{"tag_update image"}},
		{"index changed, image did not", []change{func(_ *watch.State, seen *watch.Seen) { seen.Resolved.Index = index }}, nil},

		{"data: one more", []change{newFeed, worse}, []string{"vuln_update feed"}},
		{"data: one less", []change{newFeed, listed()}, []string{"vuln_update feed"}},
		{"data: graver", []change{newFeed, listed(finding("CVE-2026-0001", vuln.Critical))}, []string{"vuln_update feed"}},
		{"data: a fix", []change{newFeed, listed(fixable("CVE-2026-0001", vuln.High))}, []string{"vuln_update feed"}},
		{"data: exploited", []change{newFeed, listed(exploited(finding("CVE-2026-0001", vuln.High)))}, []string{"vuln_update feed"}},
		{"data: other words", []change{newFeed, listed(reworded(finding("CVE-2026-0001", vuln.High)))}, nil},
		{"data: now fails", []change{newFeed, worse, judged(policy.Stop)}, []string{"vuln_update feed", "policy_eval feed"}},
		{"another matcher", []change{newEngine, worse}, []string{"vuln_update scanner"}},
		{"another matcher and new data", []change{newEngine, newFeed, worse}, []string{"vuln_update feed"}},
		{"another analyzer", []change{newAnalyzer, worse}, []string{"vuln_update scanner"}},
		{"another bundle", []change{newBundle, judged(policy.Stop)}, []string{"policy_eval policy"}},
		{"another bundle and new data", []change{newBundle, newFeed, worse, judged(policy.Stop)}, []string{"vuln_update feed", "policy_eval policy"}},
		{"time", []change{judged(policy.Stop)}, []string{"policy_eval time"}},
		{"go to warn", []change{newBundle, judged(policy.Warn)}, nil},

		{"first list", []change{func(before *watch.State, _ *watch.Seen) {
			before.Matched, before.Vulnerabilities, before.Evaluation = false, nil, nil
		}}, nil},
		{"first evaluation", []change{func(before *watch.State, _ *watch.Seen) { before.Evaluation = nil }, judged(policy.Stop)}, nil},
		{"no evaluation this time", []change{func(_ *watch.State, seen *watch.Seen) { seen.Evaluation = nil }}, nil},
		{"no list this time", []change{func(_ *watch.State, seen *watch.Seen) {
			seen.Matched, seen.Vulnerabilities, seen.Evaluation = false, nil, nil
		}}, nil},
		{"empty list first, then a finding", []change{func(before *watch.State, _ *watch.Seen) { before.Vulnerabilities = nil }, newFeed}, []string{"vuln_update feed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, seen := recorded(), unchanged()
			for _, change := range test.changes {
				change(&before, &seen)
			}
			first := decide(t, before, seen, everyone(subscription.Options{}))
			if diff := cmp.Diff(test.want, notified(first)); diff != "" {
				t.Errorf("notified (-want +got)\n%s", diff)
			}
			// What was notified once is not notified again.
			if again := decide(t, first.State, seen, everyone(subscription.Options{})); len(again.Notifications) != 0 {
				t.Errorf("notified again: %v", notified(again))
			}
		})
	}
}

func exploited(f vuln.Finding) vuln.Finding {
	f.KnownExploited = true
	return f
}

func reworded(f vuln.Finding) vuln.Finding {
	f.Description, f.URL, f.Published = "in other words", "https://example.com", noon
	return f
}

func TestDecideOptions(t *testing.T) {
	t.Parallel()
	list := func(findings ...vuln.Finding) []vuln.Finding { return findings }
	tests := []struct {
		name    string
		options subscription.Options
		before  []vuln.Finding
		after   []vuln.Finding
		want    map[string]int // of the vuln_update; nil for none
	}{
		{"everything", subscription.Options{}, list(finding("CVE-2026-0001", vuln.Low)), list(finding("CVE-2026-0002", vuln.Low)),
			map[string]int{"added": 1, "removed": 1, "updated": 0, "added_low": 1}},
		{"too low", subscription.Options{MinSeverity: vuln.High}, nil, list(finding("CVE-2026-0001", vuln.Medium)), nil},
		{"of unknown severity", subscription.Options{MinSeverity: vuln.Low}, nil, list(finding("CVE-2026-0001", vuln.Unknown)), nil},
		{"grave enough", subscription.Options{MinSeverity: vuln.High}, nil, list(finding("CVE-2026-0001", vuln.High), finding("CVE-2026-0002", vuln.Low)),
			map[string]int{"added": 1, "removed": 0, "updated": 0, "added_high": 1}},
		{"becomes grave", subscription.Options{MinSeverity: vuln.High}, list(finding("CVE-2026-0001", vuln.Low)), list(finding("CVE-2026-0001", vuln.Critical)),
			map[string]int{"added": 0, "removed": 0, "updated": 1}},
		{"ceases to be grave", subscription.Options{MinSeverity: vuln.High}, list(finding("CVE-2026-0001", vuln.Critical)), list(finding("CVE-2026-0001", vuln.Low)),
			map[string]int{"added": 0, "removed": 0, "updated": 1}},
		{"without a fix", subscription.Options{FixableOnly: true}, nil, list(finding("CVE-2026-0001", vuln.Critical)), nil},
		{"a fix appears", subscription.Options{FixableOnly: true}, list(finding("CVE-2026-0001", vuln.Low)), list(fixable("CVE-2026-0001", vuln.Low)),
			map[string]int{"added": 0, "removed": 0, "updated": 1}},
		{"fixable and grave", subscription.Options{FixableOnly: true, MinSeverity: vuln.High}, nil,
			list(fixable("CVE-2026-0001", vuln.Low), finding("CVE-2026-0002", vuln.High), fixable("CVE-2026-0003", vuln.High)),
			map[string]int{"added": 1, "removed": 0, "updated": 0, "added_high": 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, seen := recorded(), unchanged()
			before.Vulnerabilities, seen.Vulnerabilities = test.before, test.after
			seen.Basis.Build = "build 2"
			decision := decide(t, before, seen, everyone(test.options))
			var got map[string]int
			for _, n := range decision.Notifications {
				got = counts(t, n)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("counts (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(len(test.after), len(decision.State.Vulnerabilities)); diff != "" {
				t.Errorf("options narrow what is recorded (-want +got)\n%s", diff)
			}
		})
	}
}

// counts reads a notification as a receiver does.
func counts(t *testing.T, n notification.Notification) map[string]int {
	t.Helper()
	var payload struct {
		Counts map[string]int `json:"counts"`
	}
	if err := json.Unmarshal(n.Payload, &payload); err != nil {
		t.Fatal(err)
	}
	return payload.Counts
}

func TestDecideCauses(t *testing.T) {
	t.Parallel()
	worse := func(seen *watch.Seen) {
		seen.Vulnerabilities = append(recorded().Vulnerabilities, finding("CVE-2026-0002", vuln.Low))
		seen.Basis.Build = "build 2"
	}
	tests := []struct {
		name   string
		causes []notification.Cause
		moved  bool
		want   []string
	}{
		{"all", nil, false, []string{"vuln_update feed"}},
		{"wanted", []notification.Cause{notification.CauseImage, notification.CauseFeed}, false, []string{"vuln_update feed"}},
		{"not wanted", []notification.Cause{notification.CauseImage, notification.CausePolicy}, false, nil},
		{"one of two causes is wanted", []notification.Cause{notification.CauseFeed}, true, []string{"vuln_update image"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			seen := unchanged()
			worse(&seen)
			if test.moved {
				seen.Resolved.Manifest, seen.Analyzed = newer, newer
			}
			audience := everyone(subscription.Options{Causes: test.causes})
			if diff := cmp.Diff(test.want, notified(decide(t, recorded(), seen, audience))); diff != "" {
				t.Errorf("notified (-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecideEveryAction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		from, to policy.Action
		every    bool
		want     int
	}{
		{"go to warn", policy.Go, policy.Warn, false, 0},
		{"go to warn, every action", policy.Go, policy.Warn, true, 1},
		{"warn to go, every action", policy.Warn, policy.Go, true, 1},
		{"warn to stop", policy.Warn, policy.Stop, false, 1},
		{"stop to warn", policy.Stop, policy.Warn, false, 1},
		{"the same, every action", policy.Warn, policy.Warn, true, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, seen := recorded(), unchanged()
			before.Evaluation, seen.Evaluation = evaluation(older, test.from), evaluation(older, test.to)
			decision := decide(t, before, seen, everyone(subscription.Options{EveryAction: test.every}))
			if got := len(decision.Notifications); got != test.want {
				t.Errorf("%d notifications, want %d", got, test.want)
			}
		})
	}
}
