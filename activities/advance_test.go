package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// matched analyzes and matches an image.
func (r *rig) matched(repositoryAndTag string, packages ...string) image.Digest {
	r.Helper()
	digest := r.analyzed(repositoryAndTag, packages...)
	do[any](r, r.steps.Match, digest)
	return digest
}

// fetched prepares a build without moving to it.
func (r *rig) fetched(number int) databuild.Fetched {
	r.Helper()
	r.feed.offers(description(number))
	return do[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
}

// rematched lists the packages that were matched since the call before.
func (r *rig) rematched() []string {
	packages := slices.Sorted(slices.Values(r.matcher.matched))
	r.matcher.matched = nil
	return packages
}

// TestAdvanceMatchesWhatTheDataTouch: packages about which the data say
// something else by their name, and nothing more.
func TestAdvanceMatchesWhatTheDataTouch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, build := range []string{checksum(1), checksum(2)} {
		r.matcher.knows(build, "openssl 1", cve("CVE-2026-0001", vuln.Low))
	}
	r.matcher.knows(checksum(2), "zlib 1", cve("CVE-2026-0002", vuln.Low))
	r.data(1)
	first, second := r.matched("app:1", "openssl 1", "zlib 1"), r.matched("app:2", "tzdata 1")
	r.rematched()
	advanced := r.advance(r.fetched(2))
	if advanced.Groups != 1 || advanced.Changed != 1 {
		t.Errorf("advanced %+v", advanced)
	}
	if got := r.rematched(); !slices.Equal(got, []string{"zlib 1"}) {
		t.Errorf("matched again %q", got)
	}
	if got := r.vulnerabilities(first); !slices.Equal(got, []string{"CVE-2026-0001", "CVE-2026-0002"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	if got := r.vulnerabilities(second); len(got) > 0 {
		t.Errorf("vulnerabilities %v", got)
	}
}

func TestAdvanceTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	fetched := r.fetched(2)
	r.advance(fetched)
	if again := r.advance(fetched); again.Groups != 0 || again.Build != checksum(2) {
		t.Errorf("the second time: %+v", again)
	}
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	if want := []string{checksum(1), checksum(2)}; !slices.Equal(r.feed.kept, want) {
		t.Errorf("kept on disk: %v", r.feed.kept)
	}
}

// TestImagesArriveDuringAnAdvance: packages that are matched with the old data
// while the move is being prepared are covered before it happens, however often.
func TestImagesArriveDuringAnAdvance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for n := range 4 {
		r.matcher.knows(checksum(2), fmt.Sprintf("openssl %d", n), cve("CVE-2026-0001", vuln.Low))
	}
	r.data(1)
	digests := []image.Digest{r.matched("app:0", "openssl 0")}
	var arrive func(n int) func()
	arrive = func(n int) func() {
		return func() { // while openssl n-1 is being matched with the new data
			digests = append(digests, r.matched(fmt.Sprintf("app:%d", n), fmt.Sprintf("openssl %d", n)))
			if n < 3 {
				r.matcher.during = arrive(n + 1)
			}
		}
	}
	fetched := r.fetched(2)
	r.matcher.during = arrive(1)
	if advanced := r.advance(fetched); advanced.Groups != 4 {
		t.Errorf("advanced %+v", advanced)
	}
	for _, digest := range digests {
		if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
			t.Errorf("image %s: vulnerabilities %v", digest.Short(), got)
		}
	}
}

// TestPackagesThatWaitAreCovered: an image that was analyzed before there were
// data has its list as soon as there are.
func TestPackagesThatWaitAreCovered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	digest := r.matched("app:1", "openssl 1") // waits
	r.data(1)
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
}

// TestOvertaken: another move has happened since this one was prepared. It is
// judged anew, from there.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(3), "openssl 1", cve("CVE-2026-0003", vuln.Low))
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	third := r.fetched(3)
	r.matcher.during = func() {
		r.must(r.store.SaveBuild(t.Context(), description(2), "", nil, r.clock.Now()))
		_, err := r.store.Advance(t.Context(), databuild.Advance{From: checksum(1), To: checksum(2), FromEngine: "matcher 1", Matcher: "matcher 1", Watermark: 100,
			Coverage: map[vuln.Distribution]vuln.Coverage{distribution: {State: vuln.Covered}}}, r.clock.Now())
		r.must(err)
		r.must(r.store.SaveBuild(t.Context(), description(3), "", nil, r.clock.Now()))
	}
	_, err := try[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *third.Build, From: third.Current})
	expectFault(t, err, errkind.Conflict, true)
	// The step is repeated. Whether the third is newer than the second was never
	// judged: nothing moves before it is.
	superseded := do[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *third.Build, From: third.Current})
	if diff := cmp.Diff(databuild.Advanced{Build: checksum(2), Superseded: true}, superseded); diff != "" {
		t.Errorf("repeated (-want +got)\n%s", diff)
	}
	r.advance(r.fetched(3))
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0003"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	state, err := r.store.Feed(t.Context())
	r.must(err)
	if state.Previous == nil || state.Previous.Checksum != checksum(2) {
		t.Errorf("previous %+v", state.Previous)
	}
}

// TestBrokenPackageHoldsNoDataBack keeps what was known of it.
func TestBrokenPackageHoldsNoDataBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var log strings.Builder
	r.steps.Log = slog.New(slog.NewTextHandler(&log, nil))
	r.matcher.knows(checksum(1), "zlib 1", cve("CVE-2026-0001", vuln.Low))
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0002", vuln.Low))
	r.data(1)
	digest := r.matched("app:1", "openssl 1", "zlib 1")
	r.matcher.broken["zlib 1"] = true
	r.advance(r.fetched(2))
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001", "CVE-2026-0002"}) {
		t.Errorf("vulnerabilities %v", got)
	}
	if !strings.Contains(log.String(), "zlib 1 has no version") {
		t.Errorf("the log does not say why: %q", log.String())
	}
}

func TestWorkerStopsDuringAnAdvance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(1)
	digest := r.matched("app:1", "openssl 1")
	fetched := r.fetched(2)
	ctx, stop := context.WithCancel(t.Context())
	r.matcher.during = stop
	if _, err := tryWith[databuild.Advanced](r, ctx, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current}); err == nil {
		t.Fatal("a move that was stopped has an outcome")
	}
	if got := r.vulnerabilities(digest); len(got) > 0 {
		t.Errorf("vulnerabilities %v of half a move", got)
	}
	r.advance(fetched)
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) {
		t.Errorf("vulnerabilities %v", got)
	}
}

// TestReevaluateAffected wakes the tags whose image the data touch, and no other.
func TestReevaluateAffected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(1)
	r.push("app:1", "openssl 1")
	r.push("app:2", "zlib 1")
	r.settled("app:1")
	r.settled("app:2")
	r.watchers.take()
	r.data(2)
	if diff := cmp.Diff([]string{"data app:1"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}
