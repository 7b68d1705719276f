package watch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// everything that can happen to a tag in one pass.
func turmoil() watch.Seen {
	seen := unchanged()
	seen.Resolved.Manifest, seen.Analyzed = newer, newer
	seen.Vulnerabilities = []vuln.Finding{finding("CVE-2026-0002", vuln.Critical)}
	seen.Evaluation = evaluation(newer, policy.Stop)
	seen.Difference = &notification.ImageDifference{PackagesAdded: []vuln.Package{{Name: "curl", Version: "8", Type: "deb"}}}
	return seen
}

// pending is what is seen of a tag that points to an image that is not analyzed yet:
// the rest is about the one before.
func pending() watch.Seen {
	seen := unchanged()
	seen.Resolved.Manifest = newer
	return seen
}

// What changed inside is notified once: with the move if it is known by then, else with
// the analysis.
func TestDecideNotifiesTheDifferenceOnce(t *testing.T) {
	t.Parallel()
	audience := everyone(subscription.Options{})
	first := decide(t, recorded(), pending(), audience)
	if want := []string{"tag_update image"}; !slices.Equal(want, notified(first)) || differs(first.Notifications[0]) {
		t.Errorf("notified at first %v, want %v without a difference", notified(first), want)
	}
	second := decide(t, first.State, turmoil(), audience)
	if want := []string{"analysis_update image", "vuln_update image", "policy_eval image"}; !slices.Equal(want, notified(second)) || !differs(second.Notifications[0]) {
		t.Errorf("notified then %v, want %v with a difference", notified(second), want)
	}
	atOnce := decide(t, recorded(), turmoil(), audience)
	if !differs(atOnce.Notifications[0]) || differs(atOnce.Notifications[1]) {
		t.Errorf("notified at once %v, of which the first has the difference, not the second", notified(atOnce))
	}
}

// New data about the image that is served while its successor waits are notified.
func TestDecideWhileAnImageIsPending(t *testing.T) {
	t.Parallel()
	audience := everyone(subscription.Options{})
	first := decide(t, recorded(), pending(), audience)
	seen := pending()
	seen.Basis.Build = "build 2"
	seen.Vulnerabilities = append(slices.Clone(seen.Vulnerabilities), finding("CVE-2026-0002", vuln.Critical))
	second := decide(t, first.State, seen, audience)
	if want := []string{"vuln_update feed"}; !slices.Equal(want, notified(second)) {
		t.Errorf("notified %v, want %v", notified(second), want)
	}
	if second.State.Analyzed != older || !second.State.Pending.Equal(noon) {
		t.Errorf("recorded about %s, pending since %s", second.State.Analyzed, second.State.Pending)
	}
}

func differs(n notification.Notification) bool {
	return strings.Contains(string(n.Payload), `"image_difference"`)
}

// What changes about an image does not change since when its tag points to it.
func TestDecideKeepsSince(t *testing.T) {
	t.Parallel()
	before := recorded()
	before.Since = noon.Add(-48 * time.Hour)
	seen := pending()
	seen.Resolved, seen.Analyzed, seen.Basis.Build = before.Resolved, before.Analyzed, "build 2"
	seen.Vulnerabilities = append(slices.Clone(seen.Vulnerabilities), finding("CVE-2026-0002", vuln.Critical))
	after := decide(t, before, seen, everyone(subscription.Options{})).State
	if !after.Changed.Equal(noon) || !after.Since.Equal(before.Since) {
		t.Errorf("changed %s, since %s", after.Changed, after.Since)
	}
	if moved := decide(t, before, pending(), everyone(subscription.Options{})).State; !moved.Since.Equal(noon) {
		t.Errorf("moved, since %s", moved.Since)
	}
}

func TestDecideRecords(t *testing.T) {
	t.Parallel()
	got := decide(t, recorded(), turmoil(), everyone(subscription.Options{})).State
	want := watch.State{
		Revision: 8, Resolved: image.Resolved{Manifest: newer}, Since: noon, Analyzed: newer, Basis: recorded().Basis, Matched: true,
		Vulnerabilities: turmoil().Vulnerabilities, Counts: vuln.Counts{Critical: 1}, Evaluation: evaluation(newer, policy.Stop),
		Checked: noon.Add(-time.Hour), Changed: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
}

func TestDecideKeepsWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	problem := &condition.Problem{Kind: "Limit", Stage: condition.StageAnalyze, Message: "too large", Since: noon}
	tests := []struct {
		name   string
		before func(*watch.State)
		seen   watch.Seen
		want   func(*watch.State) // from the state before
	}{
		{"new image cannot be analyzed", nil,
			watch.Seen{Resolved: image.Resolved{Manifest: newer}, Analyzed: older, Basis: recorded().Basis, Matched: true,
				Vulnerabilities: recorded().Vulnerabilities, Evaluation: recorded().Evaluation, Problem: problem},
			func(s *watch.State) { s.Resolved.Manifest, s.Since, s.Problem, s.Changed = newer, noon, problem, noon }},
		{"new image is not matched yet", nil,
			watch.Seen{Resolved: image.Resolved{Manifest: newer}, Analyzed: newer, Basis: watch.Basis{Build: "build 2"}},
			func(s *watch.State) { s.Resolved.Manifest, s.Since, s.Pending, s.Changed = newer, noon, noon, noon }},
		{"new image is not analyzed yet", nil, pending(),
			func(s *watch.State) { s.Resolved.Manifest, s.Since, s.Pending, s.Changed = newer, noon, noon, noon }},
		{"it still is not",
			func(s *watch.State) { s.Resolved.Manifest, s.Pending = newer, noon.Add(-time.Hour) }, pending(),
			func(*watch.State) {}},
		{"another one is not, either",
			func(s *watch.State) { s.Resolved.Manifest, s.Pending = "sha256:3", noon.Add(-time.Hour) }, pending(),
			func(s *watch.State) { s.Resolved.Manifest, s.Since, s.Pending, s.Changed = newer, noon, noon, noon }},
		{"it cannot be",
			func(s *watch.State) { s.Resolved.Manifest, s.Pending = newer, noon.Add(-time.Hour) },
			func() watch.Seen { s := pending(); s.Problem = problem; return s }(),
			func(s *watch.State) { s.Pending, s.Problem = time.Time{}, problem }},
		{"the tag is back at the analyzed image",
			func(s *watch.State) { s.Resolved.Manifest, s.Pending = newer, noon.Add(-time.Hour) }, unchanged(),
			func(s *watch.State) {
				s.Resolved.Manifest, s.Since, s.Pending, s.Changed = older, noon, time.Time{}, noon
			}},
		{"another step's problem is over",
			func(s *watch.State) { s.Problem = problem },
			unchanged(), func(s *watch.State) { s.Problem = nil }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := recorded()
			if test.before != nil {
				test.before(&before)
			}
			got := decide(t, before, test.seen, everyone(subscription.Options{})).State
			want := before
			want.Revision = before.Revision + 1
			test.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("recorded (-want +got)\n%s", diff)
			}
		})
	}
}

// While nothing can be analyzed there is nothing to tell but that the tag moved.
func TestDecideFirstImageCannotBeAnalyzed(t *testing.T) {
	t.Parallel()
	seen := watch.Seen{Resolved: image.Resolved{Manifest: older}, Problem: &condition.Problem{Stage: condition.StageAnalyze}}
	first := decide(t, watch.State{}, seen, everyone(subscription.Options{}))
	if len(first.Notifications) != 0 || first.State.Analyzed != "" || first.State.Problem == nil {
		t.Errorf("first: notified %v, recorded %+v", notified(first), first.State)
	}
	seen.Resolved.Manifest = newer
	if second := decide(t, first.State, seen, everyone(subscription.Options{})); !slices.Equal([]string{"tag_update image"}, notified(second)) {
		t.Errorf("second: notified %v", notified(second))
	}
}

// An image that could not be matched at once is notified of when it is, with the
// cause that it has.
func TestDecideMatchedLater(t *testing.T) {
	t.Parallel()
	waiting := turmoil()
	waiting.Matched, waiting.Vulnerabilities, waiting.Evaluation = false, nil, nil
	waiting.Basis.Build = "build 2"
	first := decide(t, recorded(), waiting, everyone(subscription.Options{}))
	if want := []string{"tag_update image"}; !slices.Equal(want, notified(first)) {
		t.Errorf("notified at first %v, want %v", notified(first), want)
	}
	complete := turmoil()
	complete.Basis.Build = "build 2"
	second := decide(t, first.State, complete, everyone(subscription.Options{}))
	if want := []string{"analysis_update image", "vuln_update image", "policy_eval image"}; !slices.Equal(want, notified(second)) {
		t.Errorf("notified then %v, want %v", notified(second), want)
	}
}

// body has the keys of a notification that tell what it is about.
type body struct {
	Image    image.Digest `json:"imageDigest"`
	Index    image.Digest `json:"index_digest"`
	Feed     string       `json:"data_build"`
	Previous struct {
		Image image.Digest `json:"imageDigest"`
		Feed  string       `json:"data_build"`
	} `json:"previous"`
	Causes []notification.Cause `json:"causes"`
}

func bodies(t *testing.T, d watch.Decision) map[notification.Type]body {
	t.Helper()
	all := map[notification.Type]body{}
	for _, n := range d.Notifications {
		var b body
		if err := json.Unmarshal(n.Payload, &b); err != nil {
			t.Fatal(err)
		}
		all[n.Type] = b
	}
	return all
}

// A list is notified of together with the image that it is a list of, also while the
// tag points to one that cannot be analyzed.
func TestDecideEvidence(t *testing.T) {
	t.Parallel()
	before := recorded()
	before.Resolved.Manifest = older
	seen := unchanged()
	seen.Resolved = image.Resolved{Manifest: newer, Index: index}
	seen.Basis.Build = "build 2"
	seen.Vulnerabilities = nil
	got := bodies(t, decide(t, before, seen, everyone(subscription.Options{})))
	moved, list := got[notification.TagUpdate], got[notification.VulnUpdate]
	if moved.Image != newer || moved.Index != index || moved.Previous.Image != older {
		t.Errorf("tag_update tells of %+v", moved)
	}
	if list.Image != older || list.Index != "" || list.Previous.Image != older || list.Feed != "build 2" || list.Previous.Feed != "build 1" {
		t.Errorf("vuln_update tells of %+v", list)
	}
}

func TestDecideNotifiesAllCauses(t *testing.T) {
	t.Parallel()
	seen := turmoil()
	seen.Basis = watch.Basis{Build: "build 2", Matcher: "matcher 2", Bundle: "bundle 2", Analyzer: "analyzer 2"}
	got := bodies(t, decide(t, recorded(), seen, everyone(subscription.Options{})))
	want := map[notification.Type][]notification.Cause{
		notification.VulnUpdate: {notification.CauseImage, notification.CauseFeed, notification.CauseScanner},
		notification.PolicyEval: {notification.CauseImage, notification.CausePolicy, notification.CauseFeed, notification.CauseScanner},
	}
	for kind, causes := range want {
		if diff := cmp.Diff(causes, got[kind].Causes); diff != "" {
			t.Errorf("causes of %s (-want +got)\n%s", kind, diff)
		}
	}
}

func TestDecideIDs(t *testing.T) {
	t.Parallel()
	ids := func(d watch.Decision) (list []string) {
		for _, n := range d.Notifications {
			list = append(list, n.ID)
		}
		return list
	}
	first := ids(decide(t, recorded(), turmoil(), everyone(subscription.Options{})))
	if again := ids(decide(t, recorded(), turmoil(), everyone(subscription.Options{}))); !slices.Equal(first, again) {
		t.Errorf("deciding twice gives %v and %v", first, again)
	}
	later := recorded()
	later.Revision++
	all := slices.Concat(first, ids(decide(t, later, turmoil(), everyone(subscription.Options{}))))
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != 8 {
		t.Errorf("ids are not distinct: %v", all)
	}
}

func TestDecideDeliveries(t *testing.T) {
	t.Parallel()
	audience := everyone(subscription.Options{})
	audience.Endpoints = []endpoint.Endpoint{{Name: "all"}, {Name: "vulnerabilities", Types: []notification.Type{notification.VulnUpdate}}, {Name: "explicit", ExplicitOnly: true}}
	decision := decide(t, recorded(), turmoil(), audience)
	types := map[string]notification.Type{}
	for _, n := range decision.Notifications {
		types[n.ID] = n.Type
	}
	var got []string
	for _, d := range decision.Deliveries {
		got = append(got, string(types[d.Notification])+" "+d.Endpoint)
		if d.State != delivery.Pending || !d.NextTry.Equal(noon) || !d.Deadline.Equal(noon.Add(75*time.Hour)) {
			t.Errorf("delivery %+v", d)
		}
	}
	want := []string{"tag_update all", "analysis_update all", "vuln_update all", "vuln_update vulnerabilities", "policy_eval all"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got)\n%s", diff)
	}
}

func TestDecideForNobody(t *testing.T) {
	t.Parallel()
	inactive := everyone(subscription.Options{})
	for i := range inactive.Subscriptions {
		inactive.Subscriptions[i].Active = false
	}
	for name, audience := range map[string]subscription.Audience{"none": {}, "inactive": inactive} {
		decision := decide(t, recorded(), turmoil(), audience)
		if len(decision.Notifications)+len(decision.Deliveries) != 0 {
			t.Errorf("%s: notified %v", name, notified(decision))
		}
		if decision.State.Analyzed != newer {
			t.Errorf("%s: not recorded", name)
		}
	}
}

// A subscriber without an endpoint finds the notification in the list.
func TestDecideWithoutEndpoints(t *testing.T) {
	t.Parallel()
	audience := everyone(subscription.Options{})
	audience.Endpoints = nil
	decision := decide(t, recorded(), turmoil(), audience)
	if len(decision.Notifications) != 4 || len(decision.Deliveries) != 0 {
		t.Errorf("%d notifications and %d deliveries, want 4 and 0", len(decision.Notifications), len(decision.Deliveries))
	}
}

func TestDecideDifference(t *testing.T) {
	t.Parallel()
	payload := string(decide(t, recorded(), turmoil(), everyone(subscription.Options{})).Notifications[0].Payload)
	for _, part := range []string{`"curl"`, "CVE-2026-0001", "CVE-2026-0002"} {
		if !strings.Contains(payload, part) {
			t.Errorf("the difference of the images lacks %s: %s", part, payload)
		}
	}
}

// What a notification does not show need not be recorded for each tag.
func TestDecideRecordsEssentials(t *testing.T) {
	t.Parallel()
	long := fixable("CVE-2026-0001", vuln.High)
	long.Description, long.URLs = "long", []string{"https://example.com"}
	long.CVSS = []vuln.CVSS{{Version: "3.1"}}
	long.Related = []vuln.Related{{ID: "CVE-2026-0009", CVSS: []vuln.CVSS{{Version: "3.1"}}}}
	seen := unchanged()
	seen.Vulnerabilities = []vuln.Finding{long}
	got := decide(t, recorded(), seen, subscription.Audience{}).State.Vulnerabilities[0]
	want := fixable("CVE-2026-0001", vuln.High)
	want.Related = []vuln.Related{{ID: "CVE-2026-0009"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
	if long.Related[0].CVSS == nil {
		t.Error("the list that was passed in is changed")
	}
}
