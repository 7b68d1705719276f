package activities_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// beside is another worker on the same store, with a matcher of its own.
func (r *rig) beside(m activities.Matcher) *activities.Activities {
	return &activities.Activities{Store: r.store, Registry: r.steps.Registry, Analyzer: r.analyzer, Sender: r.steps.Sender, Feed: r.feed, Matcher: m,
		Watchers: r.watchers, Account: r.steps.Account, Poll: r.steps.Poll, Resync: r.steps.Resync, Window: r.steps.Window, Now: r.clock.Now, Log: r.steps.Log}
}

// upgraded is a rig with workers of two versions, the second of which finds
// something else in the same data.
func upgraded(t *testing.T) (r *rig, older, newer *activities.Activities) {
	t.Helper()
	r = newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	second := newMatcher("matcher 2")
	second.knows(checksum(1), "openssl 1", cve("CVE-2026-0002", vuln.High))
	return r, r.steps, r.beside(second)
}

// TestTwoMatchersNeverFlap: while workers of two versions take turns at every
// step, the findings move to the newer version once and stay.
func TestTwoMatchersNeverFlap(t *testing.T) {
	t.Parallel()
	r, older, newer := upgraded(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	r.must(newer.HousekeepOnce(t.Context()))
	for turn := range 6 {
		r.steps = []*activities.Activities{older, newer}[turn%2]
		fetched := do[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
		if r.steps == older && rematches(fetched) {
			t.Errorf("turn %d: the older version wants to match anew", turn)
		}
		// Whoever takes the step of the older version's run.
		_, err := try[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: description(1).Build})
		if r.steps == older {
			expectFault(t, err, errkind.Conflict, true)
		} else {
			r.must(err)
		}
		r.clock.advance(time.Minute)
		r.resyncWith(target, newer)
	}
	r.expect(mark, "vuln_update scanner app:1")
	if state := r.feedState(); state.Matcher != "matcher 2" {
		t.Errorf("findings are of %q", state.Matcher)
	}
}

// resyncWith is a resync whose matching is done by that worker.
func (r *rig) resyncWith(target image.Target, matching *activities.Activities) {
	r.Helper()
	before := r.steps
	defer func() { r.steps = before }()
	r.steps = matching
	r.resync(target)
}

// TestOlderMatcherLeavesImagesAlone: it neither matches them nor says which
// packages they have.
func TestOlderMatcherLeavesImagesAlone(t *testing.T) {
	t.Parallel()
	r, older, newer := upgraded(t)
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	r.steps = newer
	r.sync(databuild.SyncRequest{})
	do[any](r, r.steps.Match, digest)
	r.steps = older
	another := r.analyzed("app:2", "openssl 1", "zlib 1")
	_, err := try[any](r, r.steps.Match, another)
	expectFault(t, err, errkind.Conflict, true)
	do[any](r, r.steps.Match, digest) // is done
	r.steps = newer
	do[any](r, r.steps.Match, another)
	for _, each := range []image.Digest{digest, another} {
		if got := r.vulnerabilities(each); !slices.Equal(got, []string{"CVE-2026-0002"}) {
			t.Errorf("vulnerabilities %v", got)
		}
	}
}

// TestUpgradeTakenBack: when no worker of the newer version is left, the older
// one matches again.
func TestUpgradeTakenBack(t *testing.T) {
	t.Parallel()
	r, older, newer := upgraded(t)
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	r.steps = newer
	r.sync(databuild.SyncRequest{})
	r.steps = older
	if fetched := r.sync(databuild.SyncRequest{}); rematches(fetched) {
		t.Error("the older version does not wait for the newer one to be gone")
	}
	r.clock.advance(databuild.MatcherGracePeriod + time.Second)
	r.sync(databuild.SyncRequest{})
	do[any](r, r.steps.Match, digest)
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
}

// TestHousekeepFreesTheDisk of workers that never move to new data themselves.
func TestHousekeepFreesTheDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.steps.HousekeepOnce(t.Context()))
	if r.feed.kept != nil {
		t.Errorf("without current data all but %v are removed", r.feed.kept)
	}
	r.data(1)
	r.data(2)
	r.data(3)
	r.feed.offers(smaller(4))
	r.sync(databuild.SyncRequest{}) // is held
	r.feed.kept, r.matcher.released = nil, nil
	r.must(r.steps.HousekeepOnce(t.Context()))
	want := []string{checksum(2), checksum(3), checksum(4)}
	if diff := cmp.Diff([][]string{want, want}, [][]string{r.feed.kept, r.matcher.released}); diff != "" {
		t.Errorf("kept on disk and open (-want +got):\n%s", diff)
	}
}

// TestMoveGoesOnWithWhatIsStaged: a worker that stops has not matched in vain.
func TestMoveGoesOnWithWhatIsStaged(t *testing.T) {
	t.Parallel()
	const packages = 450 // three batches
	r := newRig(t)
	var names []string
	for n := range packages {
		names = append(names, fmt.Sprintf("package%d 1", n))
	}
	digest := r.analyzed("app:1", names...)
	do[any](r, r.steps.Match, digest) // waits for data
	r.matcher.knows(checksum(1), names[0], cve("CVE-2026-0001", vuln.Low))
	fetched := r.fetched(1)
	ctx, stop := context.WithCancel(t.Context())
	r.matcher.during = func() { r.matcher.during = stop } // during the second batch
	if _, err := tryWith[databuild.Advanced](r, ctx, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current}); err == nil {
		t.Fatal("a move that was stopped has an outcome")
	}
	r.rematched()
	if advanced := r.advance(fetched); advanced.Groups != packages {
		t.Errorf("advanced %+v", advanced)
	}
	if again := len(r.rematched()); again != packages-200 {
		t.Errorf("%d packages are matched in the second attempt, of %d", again, packages)
	}
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
}

// rematches reports that the current data are to be matched by another matcher.
func rematches(fetched databuild.Fetched) bool {
	return fetched.Build != nil && fetched.Build.Checksum == fetched.Current
}
