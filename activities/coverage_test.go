package activities_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestDataThatDropADistribution: the distribution of an image vanishes from the
// data and comes back. The findings of its packages stay, with a new matcher too.
// No notification reports a fix, the tag is woken each time, and its state shows
// whether the data covers it.
func TestDataThatDropADistribution(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	flaw := cve("CVE-2026-0001", vuln.High)
	flaw.Namespace = "debian:distro:debian:10"
	r.matcher.knows(checksum(2), "openssl 1", flaw)
	r.matcher.knows(checksum(4), "openssl 1", flaw)
	for _, lacking := range []int{1, 3} {
		r.matcher.lacks[checksum(lacking)] = true
	}
	r.data(1)
	digest := r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	coverage := func(number int, want vuln.CoverageState, woken bool, vulnerabilities ...string) {
		t.Helper()
		r.watchers.take()
		if number > 1 {
			r.data(number)
		}
		if diff := cmp.Diff(woken, slices.Contains(r.watchers.take(), "data app:1")); diff != "" {
			t.Errorf("data %d: woken (-want +got):\n%s", number, diff)
		}
		r.settled("app:1")
		view, err := r.store.View(t.Context(), target)
		r.must(err)
		if view.State.Coverage.State != want || view.State.Counts.High != len(vulnerabilities) {
			t.Errorf("data %d: coverage %+v, counts %+v", number, view.State.Coverage, view.State.Counts)
		}
		if got := r.vulnerabilities(digest); !slices.Equal(got, vulnerabilities) {
			t.Errorf("data %d: vulnerabilities %v", number, got)
		}
		subject, err := r.store.Subject(t.Context(), target, digest)
		r.must(err)
		bundle, _ := policy.Parse([]byte(coverageBundle))
		evaluation, err := policy.Evaluate(t.Context(), bundle, subject, r.clock.Now())
		r.must(err)
		if fails := evaluation.Status == policy.Fail; fails != (want == vuln.NotCovered) {
			t.Errorf("data %d: the policy fails: %t", number, fails)
		}
	}
	coverage(1, vuln.NotCovered, false)
	coverage(2, vuln.Covered, true, "CVE-2026-0001")
	coverage(3, vuln.NotCovered, true, "CVE-2026-0001")
	r.matcher.version = "matcher 2"
	r.sync(databuild.SyncRequest{})
	coverage(3, vuln.NotCovered, false, "CVE-2026-0001")
	coverage(4, vuln.Covered, true, "CVE-2026-0001")
	stored, err := r.store.Notifications(t.Context(), store.NotificationFilter{})
	r.must(err)
	var notified []string
	for _, n := range stored {
		if _, line, _ := strings.Cut(n.Summary, ": "); n.Type == notification.VulnUpdate {
			notified = append(notified, line)
		}
	}
	want := []string{"1 vulnerability added (1 high): CVE-2026-0001; debian 10 is covered now",
		"vulnerabilities: no longer covered: the data has nothing about debian 10", "vulnerabilities: debian 10 is covered now"}
	if diff := cmp.Diff(want, notified); diff != "" {
		t.Errorf("notified (-want +got):\n%s", diff)
	}
}

const coverageBundle = `{"id": "b", "version": "1_0", "policies": [{"id": "p", "version": "1_0", "rules": [
	{"id": "r", "gate": "vulnerabilities", "trigger": "vulnerability_data_unavailable", "action": "STOP", "params": []}]}],
	"whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
	"mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`

// TestCoverageAlone: nobody is notified that the data has nothing about a distribution
// any more, but the tag's watcher shows it.
func TestCoverageAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.activate("first", "critical")
	r.push("app:1", "openssl 1")
	target := r.target("app:1")
	r.subscribe(target, notification.TagUpdate)
	r.resync(target)
	r.data(2)
	r.resync(target)
	r.watchers.take()
	r.matcher.lacks[checksum(3)] = true
	r.data(3)
	if woken := r.watchers.take(); !slices.Contains(woken, "data app:1") {
		t.Errorf("woken: %v", woken)
	}
	if seen := r.resync(target); seen.Summary.Coverage.State != vuln.NotCovered {
		t.Errorf("the watcher sees %+v", seen.Summary.Coverage)
	}
}

// TestEndOfLife: the tag fails at the second at which its distribution ends, by
// time alone; data with another date moves that second.
func TestEndOfLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tomorrow := r.clock.Now().AddDate(0, 0, 1).Truncate(24 * time.Hour)
	later := tomorrow.AddDate(0, 0, 1)
	r.matcher.ends[checksum(1)], r.matcher.ends[checksum(2)] = tomorrow, later
	r.activateRule(`"gate": "distro", "trigger": "end_of_life", "params": []`)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	next := func(want time.Time) {
		t.Helper()
		view, err := r.store.View(t.Context(), target)
		r.must(err)
		if !view.State.Next.Equal(want) || !view.State.Coverage.EndOfLife.Equal(later) && !view.State.Coverage.EndOfLife.Equal(tomorrow) {
			t.Errorf("changes at %s, want %s; coverage %+v", view.State.Next, want, view.State.Coverage)
		}
	}
	next(tomorrow)
	mark := len(r.notified())
	r.watchers.take()
	r.data(2)
	if woken := r.watchers.take(); !slices.Contains(woken, "data app:1") {
		t.Errorf("woken: %v, want the tag, which waits for another moment now", woken)
	}
	next(later)
	for _, at := range []time.Time{tomorrow, later.Add(-time.Second), later, later.Add(time.Hour)} {
		r.clock.advance(at.Sub(r.clock.Now()))
		r.resync(target)
		if at.Before(later) {
			r.expect(mark)
		}
	}
	r.expect(mark, "policy_eval time app:1")
	next(time.Time{})
}
