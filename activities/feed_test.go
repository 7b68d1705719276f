package activities_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// smaller is a build that lost a provider, which somebody has to check.
func smaller(number int) vuln.Description {
	d := description(number)
	d.Providers = nil
	return d
}

func (r *rig) feedState() databuild.Feed {
	r.Helper()
	state, err := r.store.Feed(r.Context())
	r.must(err)
	return state
}

// current is the number of the current build, 0 without any.
func (r *rig) current() (number int) {
	r.Helper()
	if state := r.feedState(); state.Current != nil {
		_, err := fmt.Sscanf(state.Current.Checksum, "sha256:%x", &number)
		r.must(err)
	}
	return number
}

func TestFetchOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	fetched := r.sync(databuild.SyncRequest{})
	if fetched.Build != nil || fetched.Current != checksum(1) {
		t.Errorf("fetched %+v", fetched)
	}
	r.data(2)
	if want := []string{checksum(1), checksum(2)}; !slices.Equal(r.feed.fetched, want) {
		t.Errorf("fetched %v", r.feed.fetched)
	}
	if r.current() != 2 {
		t.Errorf("build %d is current", r.current())
	}
}

// TestFetchedAndNotMovedTo: a run that was interrupted between the two is taken
// up by the next.
func TestFetchedAndNotMovedTo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.fetched(2)
	r.sync(databuild.SyncRequest{})
	if r.current() != 2 {
		t.Errorf("build %d is current", r.current())
	}
}

func TestHeldBuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.feed.offers(smaller(2))
	for range 3 {
		if fetched := r.sync(databuild.SyncRequest{}); len(fetched.Held) != 1 || fetched.Build != nil {
			t.Errorf("fetched %+v", fetched)
		}
		r.clock.advance(time.Hour)
	}
	if want := []string{checksum(1), checksum(2)}; !slices.Equal(r.feed.fetched, want) || r.current() != 1 {
		t.Errorf("fetched %v, build %d is current", r.feed.fetched, r.current())
	}
	r.expect(0, "system.feeds.sync.held "+checksum(2))
	r.sync(databuild.SyncRequest{Release: checksum(2)})
	if r.current() != 2 || r.feedState().Held != nil {
		t.Errorf("after the release: %+v", r.feedState())
	}
}

// TestBetterDataReplaceHeldOnes without anybody's help.
func TestBetterDataReplaceHeldOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.feed.offers(smaller(2))
	r.sync(databuild.SyncRequest{})
	r.data(3)
	if r.current() != 3 || r.feedState().Held != nil {
		t.Errorf("state %+v", r.feedState())
	}
	_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{Release: checksum(2)})
	expectFault(t, err, errkind.NotFound, false)
}

func TestRollback(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	r.data(2)
	if got := r.vulnerabilities(digest); len(got) > 0 {
		t.Fatalf("vulnerabilities %v", got)
	}
	r.sync(databuild.SyncRequest{Rollback: checksum(2)})
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) || r.current() != 1 {
		t.Errorf("vulnerabilities %v, build %d is current", got, r.current())
	}
	r.feed.fetched = nil
	r.sync(databuild.SyncRequest{})
	if r.current() != 1 || len(r.feed.fetched) > 0 {
		t.Errorf("the rejected build is back: fetched %v", r.feed.fetched)
	}
	r.data(3)
	if r.current() != 3 {
		t.Errorf("build %d is current", r.current())
	}
	// A request about what was current when a person made it leaves newer data alone.
	_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{Rollback: checksum(2)})
	expectFault(t, err, errkind.NotFound, false)
}

// TestImport moves to a file that a person brings, also to one that was rejected
// once: the person knows better.
func TestImport(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.data(2)
	r.sync(databuild.SyncRequest{Rollback: checksum(2)})
	for range 2 {
		r.sync(databuild.SyncRequest{File: checksum(2)})
		if r.current() != 2 {
			t.Errorf("build %d is current", r.current())
		}
	}
}

// TestWhatPeopleAskSaysNothingOfTheSource: a request that does not ask the source
// neither fails nor recovers it.
func TestWhatPeopleAskSaysNothingOfTheSource(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request databuild.SyncRequest
	}{
		{"nothing to release", databuild.SyncRequest{Release: checksum(2)}},
		{"nothing to go back to", databuild.SyncRequest{Rollback: checksum(1)}},
		{"no such file", databuild.SyncRequest{File: "/nowhere"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.data(1)
			_, err := try[databuild.Fetched](r, r.steps.FetchFeed, test.request)
			expectFault(t, err, errkind.NotFound, false)
			if state := r.feedState(); state.Problem != nil {
				t.Errorf("problem %+v", state.Problem)
			}
			r.expect(0)
			r.feed.failure = errkind.Unavailable
			_, err = try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
			expectFault(t, err, errkind.Unavailable, true)
			r.sync(databuild.SyncRequest{File: checksum(1)})
			r.expect(0, "system.feeds.sync.failed vulnerabilities")
		})
	}
}

// TestSourceThatFails is notified of once, and once more when it recovers.
func TestSourceThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	checked := r.feedState().Checked
	for range 2 {
		r.feed.failure = fmt.Errorf("fetch: %w", errkind.Unavailable)
		for range 3 {
			r.clock.advance(time.Hour)
			_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
			expectFault(t, err, errkind.Unavailable, true)
		}
		if state := r.feedState(); state.Problem == nil || !state.Checked.Equal(checked) {
			t.Errorf("problem %+v, checked %s, want %s", state.Problem, state.Checked, checked)
		}
		r.feed.failure = nil
		r.sync(databuild.SyncRequest{})
		checked = r.feedState().Checked
	}
	once := []string{"system.feeds.sync.failed vulnerabilities", "system.feeds.sync.recovered vulnerabilities"}
	if diff := cmp.Diff(slices.Concat(once, once), r.notified()); diff != "" {
		t.Errorf("notified (-want +got):\n%s", diff)
	}
}

// TestNewMatcherNeedsNoSource: the current data are matched again, also while
// nobody can be asked for others.
func TestNewMatcherNeedsNoSource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	r.matcher.version = "matcher 2"
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.feed.failure = errkind.Unavailable
	if fetched := r.sync(databuild.SyncRequest{}); !rematches(fetched) {
		t.Errorf("fetched %+v", fetched)
	}
	do[any](r, r.steps.Match, digest)
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	if state := r.feedState(); state.Problem == nil || state.Matcher != "matcher 2" {
		t.Errorf("state %+v", state)
	}
}
