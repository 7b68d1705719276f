package activities_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// conditions are those of the state, as "kind provider".
func (r *rig) conditions() []string {
	r.Helper()
	var found []string
	for _, c := range r.feedState().Conditions {
		found = append(found, string(c.Kind)+" "+c.Name)
	}
	return found
}

// TestOutdatedData is notified once, however often it is found, and once more
// when there is newer data.
func TestOutdatedData(t *testing.T) {
	t.Parallel()
	const outdated, ended = "system.feeds.data.outdated vulnerabilities", "system.feeds.data.outdated.ended vulnerabilities"
	r := newRig(t)
	r.steps.FeedMaxAge = 5 * 24 * time.Hour
	r.data(1)
	r.clock.advance(3 * 24 * time.Hour)
	r.sync(databuild.SyncRequest{})
	if notified := r.notified(); len(notified) > 0 {
		t.Errorf("notified of data that is not outdated yet: %v", notified)
	}
	for range 3 {
		r.clock.advance(24 * time.Hour)
		r.sync(databuild.SyncRequest{})
	}
	r.expect(0, outdated)
	if diff := cmp.Diff([]string{"data.outdated vulnerabilities"}, r.conditions()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	r.data(24 * 7)
	r.sync(databuild.SyncRequest{})
	r.expect(0, outdated, ended)
	if left := r.conditions(); len(left) > 0 {
		t.Errorf("still %v", left)
	}
	r.clock.advance(7 * 24 * time.Hour)
	r.sync(databuild.SyncRequest{})
	r.expect(0, outdated, ended, outdated)
}

// TestDataOfAnyAge: who says so is not notified of old data.
func TestDataOfAnyAge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.clock.advance(365 * 24 * time.Hour)
	r.sync(databuild.SyncRequest{})
	r.expect(0)
}

// TestOutdatedDataWithoutSource: that nobody can be reached does not hide it.
func TestOutdatedDataWithoutSource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.steps.FeedMaxAge = 5 * 24 * time.Hour
	r.data(1)
	r.clock.advance(7 * 24 * time.Hour)
	r.feed.failure = errKilled
	_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
	if err == nil {
		t.Error("no error")
	}
	r.expect(0, "system.feeds.sync.failed vulnerabilities", "system.feeds.data.outdated vulnerabilities")
}

// TestProvidersThatLagBehind are one event with their names, in the state as soon
// as the data is in use, and end with data in which they have caught up.
func TestProvidersThatLagBehind(t *testing.T) {
	t.Parallel()
	const outdated, ended = "system.feeds.provider.outdated vulnerabilities", "system.feeds.provider.outdated.ended vulnerabilities"
	r := newRig(t)
	r.steps.FeedMaxAge = 5 * 24 * time.Hour
	behind := func(number int, names ...string) vuln.Description {
		d := description(number)
		for _, name := range names {
			d.Providers = append(d.Providers, vuln.ProviderState{Name: name, Captured: d.Built.AddDate(0, 0, -152), Records: 10})
		}
		return d
	}
	r.feed.offers(behind(1, "alpine", "kev"))
	r.sync(databuild.SyncRequest{})
	if diff := cmp.Diff([]string{"provider.outdated alpine", "provider.outdated kev"}, r.conditions()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	began := r.feedState().Conditions[0].Since
	for range 3 {
		r.clock.advance(time.Hour)
		r.sync(databuild.SyncRequest{})
	}
	r.feed.offers(behind(2, "alpine", "kev", "suse")) // built anew, and one more
	r.sync(databuild.SyncRequest{})
	r.expect(0, outdated, outdated)
	if first := r.feedState().Conditions[0]; !first.Since.Equal(began) {
		t.Errorf("condition %+v, began %s", first, began)
	}
	caughtUp := behind(3, "kev", "suse")
	caughtUp.Providers = append(caughtUp.Providers, vuln.ProviderState{Name: "alpine", Captured: caughtUp.Built, Records: 10})
	r.feed.offers(caughtUp)
	r.sync(databuild.SyncRequest{})
	r.expect(0, outdated, outdated, ended)
	if diff := cmp.Diff([]string{"provider.outdated kev", "provider.outdated suse"}, r.conditions()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

// TestStatusOfTheListing is notified when it changes, with and without new data.
func TestStatusOfTheListing(t *testing.T) {
	t.Parallel()
	const name = "system.feeds.source."
	r := newRig(t)
	r.data(1)
	for _, status := range []vuln.Lifecycle{"active", "deprecated", "deprecated", "eol", "eol", "active", "deprecated", "unstated", "retired"} {
		r.clock.advance(time.Hour)
		r.feed.newest.Status = status
		r.sync(databuild.SyncRequest{})
		if got := r.feedState().Status; got != status {
			t.Errorf("status %q, want %q", got, status)
		}
	}
	r.expect(0, name+"deprecated vulnerabilities", name+"eol vulnerabilities", name+"deprecated.ended vulnerabilities", name+"eol.ended vulnerabilities",
		name+"deprecated vulnerabilities", name+"deprecated.ended vulnerabilities", name+"unknown_status vulnerabilities")
}
