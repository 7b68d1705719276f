package activities_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/activities"
	realfeed "github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// publisher starts a real source of data.
func (r *rig) publisher() *labfeed.Feed {
	r.Helper()
	return start(r, labfeed.New)
}

// disk gives the steps a worker's disk of their own, which is empty, and lets
// them take data from the publisher.
func (r *rig) disk(from *labfeed.Feed) *realfeed.Feed {
	r.Helper()
	opened, err := realfeed.Open(r.TempDir(), realfeed.Options{URL: from.ListingURL(), Stall: 2 * time.Second, MaxArchive: 16 << 20})
	r.must(err)
	r.steps.Feed = opened
	r.clock.set(time.Now()) // that of the publisher
	return opened
}

// built builds a small database.
func (r *rig) built(at time.Time, id string) labfeed.Database {
	r.Helper()
	database, err := labfeed.BuildAt(r.TempDir(), at, labfeed.Vulnerability{Provider: labfeed.Debian, ID: id, Package: "openssl", Severity: "High"})
	r.must(err)
	return database
}

// TestBadSource: whatever is wrong with the source, the state says so, the
// current build stays, the event log is notified once, and the next good data
// are taken without anybody's help.
func TestBadSource(t *testing.T) {
	t.Parallel()
	yesterday := time.Now().Add(-24 * time.Hour)
	lie := func(lies ...labfeed.Lie) func(*rig, *labfeed.Feed, labfeed.Database) {
		return func(r *rig, f *labfeed.Feed, d labfeed.Database) { r.must(f.Publish(d, lies...)) }
	}
	fail := func(fault lab.Fault) func(*rig, *labfeed.Feed, labfeed.Database) {
		return func(r *rig, f *labfeed.Feed, d labfeed.Database) {
			r.must(f.Publish(d))
			f.Fail(fault)
		}
	}
	for _, test := range []struct {
		name string
		bad  func(*rig, *labfeed.Feed, labfeed.Database)
		want error
	}{
		{"corrupt", lie(labfeed.Corrupt), errkind.Invalid},
		{"truncated", lie(labfeed.Truncate), errkind.Invalid},
		{"wrong schema", lie(labfeed.ClaimModel(5)), errkind.Invalid},
		{"oversized", func(r *rig, f *labfeed.Feed, d labfeed.Database) {
			r.must(os.Truncate(d.Archive, 17<<20))
			r.must(f.Publish(d))
		}, errkind.Limit},
		{"stalls", fail(lab.Fault{Path: ".tar.zst", Stall: true}), errkind.Unavailable},
		{"answers 500", fail(lab.Fault{Path: ".tar.zst", Status: 500}), errkind.Unavailable},
		{"closes in the middle", fail(lab.Fault{Path: ".tar.zst", CutAfter: 1000}), errkind.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			source := r.publisher()
			r.disk(source)
			first, bad, good := r.built(yesterday, "CVE-2026-0001"), r.built(yesterday.Add(time.Hour), "CVE-2026-0002"), r.built(yesterday.Add(2*time.Hour), "CVE-2026-0003")
			r.must(source.Publish(first))
			r.sync(databuild.SyncRequest{})
			test.bad(r, source, bad)
			for range 2 {
				_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
				expectFault(t, err, test.want, test.want == errkind.Unavailable)
			}
			if state := r.feedState(); state.Problem == nil || state.Current == nil || state.Current.Checksum != first.Checksum {
				t.Errorf("state %+v", state)
			}
			source.Heal()
			r.must(source.Publish(good))
			r.sync(databuild.SyncRequest{})
			if state := r.feedState(); state.Problem != nil || state.Current.Checksum != good.Checksum || state.Held != nil {
				t.Errorf("state after the recovery %+v", state)
			}
			r.expect(0, "system.feeds.sync.failed vulnerabilities", "system.feeds.sync.recovered vulnerabilities")
		})
	}
}

// TestOlderData are held, as they would take findings back, and are replaced by
// the next that are newer.
func TestOlderData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	source := r.publisher()
	r.disk(source)
	yesterday := time.Now().Add(-24 * time.Hour)
	current, older, newer := r.built(yesterday, "CVE-2026-0001"), r.built(yesterday.Add(-time.Hour), "CVE-2026-0002"), r.built(yesterday.Add(time.Hour), "CVE-2026-0003")
	r.must(source.Publish(current))
	r.sync(databuild.SyncRequest{})
	r.must(source.Publish(older))
	if fetched := r.sync(databuild.SyncRequest{}); len(fetched.Held) != 1 || r.feedState().Current.Checksum != current.Checksum {
		t.Errorf("fetched %+v", fetched)
	}
	r.must(source.Publish(newer))
	r.sync(databuild.SyncRequest{})
	if state := r.feedState(); state.Current.Checksum != newer.Checksum || state.Held != nil {
		t.Errorf("state %+v", state)
	}
}

// sourced is a rig with a publisher and data in use that was built yesterday.
func sourced(t *testing.T) (r *rig, source *labfeed.Feed, yesterday time.Time, current labfeed.Database) {
	t.Helper()
	r = newRig(t)
	source = r.publisher()
	r.disk(source)
	yesterday = time.Now().Add(-24 * time.Hour)
	current = r.built(yesterday, "CVE-2026-0001")
	r.must(source.Publish(current))
	r.sync(databuild.SyncRequest{})
	return r, source, yesterday, current
}

// TestDataFromTheFuture is on hold, blocks nothing true, and is used when its
// time has come.
func TestDataFromTheFuture(t *testing.T) {
	t.Parallel()
	r, source, _, _ := sourced(t)
	ahead, newer := r.built(time.Now().AddDate(0, 0, 30), "CVE-2026-0002"), r.built(time.Now(), "CVE-2026-0003")
	for range 2 {
		r.must(source.Publish(ahead))
		if fetched := r.sync(databuild.SyncRequest{}); len(fetched.Held) != 1 || r.feedState().Held == nil {
			t.Errorf("fetched %+v", fetched)
		}
	}
	r.must(source.Publish(newer))
	if fetched := r.sync(databuild.SyncRequest{}); fetched.Ended != ahead.Checksum || r.feedState().Current.Checksum != newer.Checksum || r.feedState().Held != nil {
		t.Errorf("fetched %+v, state %+v", fetched, r.feedState())
	}
	r.must(source.Publish(ahead))
	r.sync(databuild.SyncRequest{})
	r.clock.advance(30 * 24 * time.Hour)
	if fetched := r.sync(databuild.SyncRequest{}); len(fetched.Held) > 0 || r.feedState().Current.Checksum != ahead.Checksum {
		t.Errorf("when its time has come: fetched %+v", fetched)
	}
}

// TestReleasedFromTheFuture does not hold the true data after it.
func TestReleasedFromTheFuture(t *testing.T) {
	t.Parallel()
	r, source, _, _ := sourced(t)
	ahead, newer := r.built(time.Now().AddDate(1, 0, 0), "CVE-2026-0002"), r.built(time.Now(), "CVE-2026-0003")
	r.must(source.Publish(ahead))
	r.sync(databuild.SyncRequest{})
	r.sync(databuild.SyncRequest{Release: ahead.Checksum})
	if diff := cmp.Diff([]string{"data.ahead vulnerabilities", "provider.ahead debian"}, r.conditions()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	r.must(source.Publish(newer))
	if fetched := r.sync(databuild.SyncRequest{}); r.feedState().Current.Checksum != newer.Checksum || len(r.conditions()) > 0 {
		t.Errorf("fetched %+v, conditions %v", fetched, r.conditions())
	}
}

// TestHoldEnds when the publisher lists the current data again: nothing is on
// hold that nobody offers.
func TestHoldEnds(t *testing.T) {
	t.Parallel()
	r, source, yesterday, current := sourced(t)
	older := r.built(yesterday.Add(-time.Hour), "CVE-2026-0002")
	for range 2 {
		began := len(r.notified())
		r.must(source.Publish(older))
		r.sync(databuild.SyncRequest{})
		r.clock.advance(time.Hour)
		r.must(source.Publish(current))
		fetched := r.sync(databuild.SyncRequest{})
		if len(fetched.Held) > 0 || fetched.Ended != older.Checksum || r.feedState().Held != nil || r.feedState().Current.Checksum != current.Checksum {
			t.Errorf("fetched %+v, state %+v", fetched, r.feedState())
		}
		r.expect(began, "system.feeds.sync.held "+older.Checksum, "system.feeds.sync.hold_ended "+older.Checksum)
	}
	_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{Release: older.Checksum})
	expectFault(t, err, errkind.NotFound, false)
}

// TestHoldOfAFileStays: what a person has brought was never listed.
func TestHoldOfAFileStays(t *testing.T) {
	t.Parallel()
	r, _, yesterday, _ := sourced(t)
	older := r.built(yesterday.Add(-time.Hour), "CVE-2026-0002")
	r.sync(databuild.SyncRequest{File: older.Archive})
	if fetched := r.sync(databuild.SyncRequest{}); fetched.Ended != "" || r.feedState().Held == nil {
		t.Errorf("fetched %+v, state %+v", fetched, r.feedState())
	}
	r.sync(databuild.SyncRequest{Release: older.Checksum})
	if state := r.feedState(); state.Current.Checksum != older.Checksum {
		t.Errorf("state %+v", state)
	}
}

// TestWithdrawal: a publisher that takes its newest data back lists the data
// before it again. It is on hold at first: caches lie for hours.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	const withdrawn = "system.feeds.data.withdrawn vulnerabilities"
	back := func(t *testing.T) (r *rig, source *labfeed.Feed, former, bad labfeed.Database) {
		r, source, yesterday, former := sourced(t)
		bad = r.built(yesterday.Add(time.Hour), "CVE-2026-0002")
		r.must(source.Publish(bad))
		r.sync(databuild.SyncRequest{})
		r.must(source.Publish(former))
		fetched := r.sync(databuild.SyncRequest{})
		if len(fetched.Held) != 1 || r.feedState().Current.Checksum != bad.Checksum || !r.feedState().WentBack() {
			t.Errorf("fetched %+v, state %+v", fetched, r.feedState())
		}
		return r, source, former, bad
	}
	gone := func(r *rig, former labfeed.Database) {
		r.Helper()
		if state := r.feedState(); state.Current.Checksum != former.Checksum || state.Held != nil || state.Previous != nil {
			r.Errorf("state %+v", state)
		}
	}
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		r, source, former, bad := back(t)
		for range 5 {
			r.clock.advance(time.Hour)
			r.sync(databuild.SyncRequest{})
		}
		r.expect(0, "system.feeds.sync.held "+former.Checksum)
		r.clock.advance(time.Hour)
		r.sync(databuild.SyncRequest{})
		gone(r, former)
		r.expect(1, withdrawn)
		r.sync(databuild.SyncRequest{})
		gone(r, former)
		r.must(source.Publish(bad)) // it was right after all
		r.sync(databuild.SyncRequest{})
		if state := r.feedState(); state.Current.Checksum != bad.Checksum {
			t.Errorf("state %+v", state)
		}
	})
	t.Run("by a person", func(t *testing.T) {
		t.Parallel()
		r, _, former, _ := back(t)
		r.sync(databuild.SyncRequest{Release: former.Checksum})
		gone(r, former)
	})
	t.Run("by a cache", func(t *testing.T) {
		t.Parallel()
		r, source, former, bad := back(t)
		for range 3 { // now this one answers, now that one
			r.clock.advance(5 * time.Hour)
			r.must(source.Publish(bad))
			if fetched := r.sync(databuild.SyncRequest{}); fetched.Ended != former.Checksum || len(fetched.Held) > 0 {
				t.Errorf("fetched %+v", fetched)
			}
			r.clock.advance(5 * time.Hour)
			r.must(source.Publish(former))
			r.sync(databuild.SyncRequest{})
		}
		if state := r.feedState(); state.Current.Checksum != bad.Checksum || state.Previous.Checksum != former.Checksum {
			t.Errorf("state %+v", state)
		}
	})
	t.Run("no further than one build", func(t *testing.T) {
		t.Parallel()
		r, source, _, _ := back(t)
		r.clock.advance(6 * time.Hour)
		r.sync(databuild.SyncRequest{})
		r.must(source.Publish(r.built(time.Now().AddDate(0, 0, -100), "CVE-2026-0004")))
		for range 3 {
			r.clock.advance(24 * time.Hour)
			if fetched := r.sync(databuild.SyncRequest{}); len(fetched.Held) != 1 {
				t.Errorf("fetched %+v", fetched)
			}
		}
	})
}

// TestRejectedDataListed is said, and is not news.
func TestRejectedDataListed(t *testing.T) {
	t.Parallel()
	r, source, yesterday, current := sourced(t)
	bad := r.built(yesterday.Add(time.Hour), "CVE-2026-0002")
	r.must(source.Publish(bad))
	r.sync(databuild.SyncRequest{})
	r.sync(databuild.SyncRequest{Rollback: bad.Checksum})
	for range 4 { // for longer than such decisions are kept
		if fetched := r.sync(databuild.SyncRequest{}); fetched.Refused != bad.Checksum || r.feedState().Current.Checksum != current.Checksum {
			t.Errorf("fetched %+v", fetched)
		}
		r.clock.advance(20 * 24 * time.Hour)
		do[watch.Pruned](r, r.steps.Prune)
	}
}

// TestDatesOfRealData: what the data says of its providers and the listing of its
// future is judged as soon as it is in use.
func TestDatesOfRealData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	source := r.publisher()
	r.disk(source)
	r.steps.FeedMaxAge = 5 * 24 * time.Hour
	now := time.Now()
	database, err := labfeed.BuildEdited(r.TempDir(), now, []string{
		fmt.Sprintf("UPDATE providers SET date_captured = '%s' WHERE id = 'debian'", now.AddDate(0, 0, -152).UTC().Format("2006-01-02 15:04:05+00:00")),
		fmt.Sprintf("UPDATE epss_metadata SET date = '%s'", now.AddDate(0, 0, -40).UTC().Format("2006-01-02 15:04:05+00:00")),
	}, labfeed.Vulnerability{Provider: labfeed.Debian, ID: "CVE-2026-0001", Package: "openssl", Severity: "High", EPSS: 0.3})
	r.must(err)
	r.must(source.Publish(database, labfeed.StateStatus("eol")))
	r.sync(databuild.SyncRequest{})
	if diff := cmp.Diff([]string{"provider.outdated debian", "scores.outdated vulnerabilities", "source.eol vulnerabilities"}, r.conditions()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	r.sync(databuild.SyncRequest{})
	r.expect(0, "system.feeds.provider.outdated vulnerabilities", "system.feeds.scores.outdated vulnerabilities", "system.feeds.source.eol vulnerabilities")
}

// diskMatcher matches only against builds that its worker has on disk.
type diskMatcher struct {
	*matcher
	disk *realfeed.Feed
}

func (m diskMatcher) Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	if !m.disk.Has(checksum) {
		return nil, fmt.Errorf("build %s is not on this worker's disk: %w", checksum, errkind.NotFound)
	}
	return m.matcher.Match(ctx, checksum, groups)
}

// TestTwoWorkersAgree: workers with a store in common and disks of their own,
// one of which has seen none of the data, take turns. The list only changes
// when the data do.
func TestTwoWorkersAgree(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	source := r.publisher()
	yesterday := time.Now().Add(-24 * time.Hour)
	first, second := r.built(yesterday, "CVE-2026-0001"), r.built(yesterday.Add(time.Hour), "CVE-2026-0002")
	r.matcher.knows(first.Checksum, "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.matcher.knows(second.Checksum, "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.matcher.knows(first.Checksum, "curl 1", cve("CVE-2026-0007", vuln.Low))
	r.matcher.knows(second.Checksum, "curl 1", cve("CVE-2026-0008", vuln.Low))
	var workers []*activities.Activities
	for range 2 {
		r.steps = &activities.Activities{Store: r.store, Registry: r.steps.Registry, Analyzer: r.analyzer, Sender: r.steps.Sender,
			Watchers: r.watchers, Account: r.steps.Account, Poll: r.steps.Poll, Resync: r.steps.Resync, Window: r.steps.Window, Now: r.clock.Now, Log: r.steps.Log}
		r.steps.Matcher = diskMatcher{r.matcher, r.disk(source)}
		workers = append(workers, r.steps)
	}
	work := func(n int) { r.steps = workers[n%2] }

	work(0)
	r.must(source.Publish(first))
	r.sync(databuild.SyncRequest{})
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	work(1) // knows neither the data nor the image
	digest := r.push("app:2", "openssl 1", "curl 1")
	other := r.settled("app:2")
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001", "CVE-2026-0007"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	began := len(r.notified())
	for turn := range 4 { // the same data, by turns
		work(turn)
		r.sync(databuild.SyncRequest{})
		r.resync(target)
		r.resync(other)
	}
	r.expect(began)
	r.must(source.Publish(second))
	for turn := 1; turn < 5; turn++ { // one moves on, the other has yet to fetch them
		work(turn)
		r.sync(databuild.SyncRequest{})
		r.resync(target)
		r.resync(other)
	}
	sent := slices.Sorted(slices.Values(r.notified()[began:])) // the tags side by side
	if diff := cmp.Diff([]string{"vuln_update feed app:1", "vuln_update feed app:2"}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"CVE-2026-0001", "CVE-2026-0008"}, r.vulnerabilities(digest)); diff != "" {
		t.Errorf("vulnerabilities (-want +got):\n%s", diff)
	}
}
