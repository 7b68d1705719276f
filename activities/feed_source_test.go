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
	"github.com/tagwatch/tagwatch/domain/fault"
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
// current generation stays, the event log is told once, and the next good data
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
		{"corrupt", lie(labfeed.Corrupt), fault.Invalid},
		{"truncated", lie(labfeed.Truncate), fault.Invalid},
		{"wrong schema", lie(labfeed.ClaimModel(5)), fault.Invalid},
		{"oversized", func(r *rig, f *labfeed.Feed, d labfeed.Database) {
			r.must(os.Truncate(d.Archive, 17<<20))
			r.must(f.Publish(d))
		}, fault.Limit},
		{"stalls", fail(lab.Fault{Path: ".tar.zst", Stall: true}), fault.Unavailable},
		{"answers 500", fail(lab.Fault{Path: ".tar.zst", Status: 500}), fault.Unavailable},
		{"closes in the middle", fail(lab.Fault{Path: ".tar.zst", CutAfter: 1000}), fault.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			source := r.publisher()
			r.disk(source)
			first, bad, good := r.built(yesterday, "CVE-2026-0001"), r.built(yesterday.Add(time.Hour), "CVE-2026-0002"), r.built(yesterday.Add(2*time.Hour), "CVE-2026-0003")
			r.must(source.Publish(first))
			r.sync(watch.SyncRequest{})
			test.bad(r, source, bad)
			for range 2 {
				_, err := try[watch.Fetched](r, r.steps.FetchFeed, watch.SyncRequest{})
				expectFault(t, err, test.want, test.want == fault.Unavailable)
			}
			if state := r.feedState(); state.Problem == nil || state.Current == nil || state.Current.Checksum != first.Checksum {
				t.Errorf("state %+v", state)
			}
			source.Heal()
			r.must(source.Publish(good))
			r.sync(watch.SyncRequest{})
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
	r.sync(watch.SyncRequest{})
	r.must(source.Publish(older))
	if fetched := r.sync(watch.SyncRequest{}); len(fetched.Held) != 1 || r.feedState().Current.Checksum != current.Checksum {
		t.Errorf("fetched %+v", fetched)
	}
	r.must(source.Publish(newer))
	r.sync(watch.SyncRequest{})
	if state := r.feedState(); state.Current.Checksum != newer.Checksum || state.Held != nil {
		t.Errorf("state %+v", state)
	}
}

// diskMatcher matches only against generations that its worker has on disk.
type diskMatcher struct {
	*matcher
	disk *realfeed.Feed
}

func (m diskMatcher) Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	if !m.disk.Has(checksum) {
		return nil, fmt.Errorf("generation %s is not on this worker's disk: %w", checksum, fault.NotFound)
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
			Watchers: r.watchers, Account: r.steps.Account, Poll: r.steps.Poll, Pass: r.steps.Pass, Window: r.steps.Window, Now: r.clock.Now, Log: r.steps.Log}
		r.steps.Matcher = diskMatcher{r.matcher, r.disk(source)}
		workers = append(workers, r.steps)
	}
	work := func(n int) { r.steps = workers[n%2] }

	work(0)
	r.must(source.Publish(first))
	r.sync(watch.SyncRequest{})
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	work(1) // knows neither the data nor the image
	digest := r.push("app:2", "openssl 1", "curl 1")
	other := r.settled("app:2")
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001", "CVE-2026-0007"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	began := len(r.told())
	for turn := range 4 { // the same data, by turns
		work(turn)
		r.sync(watch.SyncRequest{})
		r.pass(target)
		r.pass(other)
	}
	r.expect(began)
	r.must(source.Publish(second))
	for turn := 1; turn < 5; turn++ { // one moves on, the other has yet to fetch them
		work(turn)
		r.sync(watch.SyncRequest{})
		r.pass(target)
		r.pass(other)
	}
	r.expect(began, "vuln_update feed app:1", "vuln_update feed app:2")
	if diff := cmp.Diff([]string{"CVE-2026-0001", "CVE-2026-0008"}, r.vulnerabilities(digest)); diff != "" {
		t.Errorf("vulnerabilities (-want +got):\n%s", diff)
	}
}
