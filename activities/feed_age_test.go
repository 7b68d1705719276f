package activities_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestStaleData are told of once, however often they are looked at, and once
// more when there are newer ones.
func TestStaleData(t *testing.T) {
	t.Parallel()
	const stale, fresh = "system.feeds.data.stale vulnerabilities", "system.feeds.data.fresh vulnerabilities"
	r := newRig(t)
	r.steps.FeedMaxAge = 5 * 24 * time.Hour
	r.data(1)
	r.clock.pass(3 * 24 * time.Hour)
	r.sync(watch.SyncRequest{})
	began := len(r.told())
	if began > 0 {
		t.Errorf("told of data that are not stale yet: %v", r.told())
	}
	for range 3 {
		r.clock.pass(24 * time.Hour)
		r.sync(watch.SyncRequest{})
	}
	r.expect(0, stale)
	if r.feedState().StaleSince.IsZero() {
		t.Error("the state does not say that the data are stale")
	}
	r.data(24 * 7)
	r.sync(watch.SyncRequest{})
	r.expect(0, stale, fresh)
	if since := r.feedState().StaleSince; !since.IsZero() {
		t.Errorf("still stale since %s", since)
	}
	r.clock.pass(7 * 24 * time.Hour)
	r.sync(watch.SyncRequest{})
	r.expect(0, stale, fresh, stale)
}

// TestDataOfAnyAge: who says so is not told of old data.
func TestDataOfAnyAge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.clock.pass(365 * 24 * time.Hour)
	r.sync(watch.SyncRequest{})
	r.expect(0)
}
