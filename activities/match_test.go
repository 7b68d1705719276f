package activities_test

import (
	"context"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// analyzed pushes and analyzes an image.
func (r *rig) analyzed(repositoryAndTag string, packages ...string) image.Digest {
	r.Helper()
	digest := r.push(repositoryAndTag, packages...)
	do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: r.target(repositoryAndTag), Digest: digest})
	return digest
}

// vulnerabilities lists the ids of an image's findings, sorted.
func (r *rig) vulnerabilities(digest image.Digest) []string {
	r.Helper()
	matches, err := r.store.Matches(r.Context(), digest)
	r.must(err)
	ids := []string{}
	for _, match := range matches {
		ids = append(ids, match.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestMatchWhatNoImageHadBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	do[any](r, r.steps.Match, r.analyzed("app:1", "openssl 1", "zlib 1"))
	do[any](r, r.steps.Match, r.analyzed("app:2", "openssl 1", "zlib 2"))
	do[any](r, r.steps.Match, r.analyzed("app:3", "openssl 1", "zlib 2", "zlib 1"))
	if want := []string{"openssl 1", "zlib 1", "zlib 2"}; !slices.Equal(r.matcher.matched, want) {
		t.Errorf("matched %q, want %q", r.matcher.matched, want)
	}
}

func TestMatchTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(1)
	digest := r.analyzed("app:1", "openssl 1")
	for range 2 {
		do[any](r, r.steps.Match, digest)
	}
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0001"}) || len(r.matcher.matched) != 1 {
		t.Errorf("vulnerabilities %v, matched %v", got, r.matcher.matched)
	}
}

func TestMatchWaitsForData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	digest := r.analyzed("app:1", "openssl 1")
	do[any](r, r.steps.Match, digest)
	if matched, err := r.store.Matched(t.Context(), digest); matched || err != nil {
		t.Errorf("without data: matched %t, %v", matched, err)
	}
	r.data(1)
	do[any](r, r.steps.Match, digest)
	if matched, err := r.store.Matched(t.Context(), digest); !matched || err != nil {
		t.Errorf("matched %t, %v", matched, err)
	}
}

// TestMatchWithAnotherEngine waits for the synchronization that moves the
// findings to it.
func TestMatchWithAnotherEngine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	digest := r.analyzed("app:1", "openssl 1")
	r.matcher.version = "matcher 2"
	_, err := try[any](r, r.steps.Match, digest)
	expectFault(t, err, errkind.Conflict, true)
	r.sync(databuild.SyncRequest{})
	do[any](r, r.steps.Match, digest)
	if matched, err := r.store.Matched(t.Context(), digest); !matched || err != nil {
		t.Errorf("matched %t, %v", matched, err)
	}
}

// TestBuildMovesDuringAMatch: findings of the old data are not stored among
// those of the new.
func TestBuildMovesDuringAMatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0002", vuln.Low))
	r.data(1)
	digest := r.analyzed("app:1", "openssl 1")
	r.matcher.during = func() { r.data(2) }
	_, err := try[any](r, r.steps.Match, digest)
	expectFault(t, err, errkind.Conflict, true)
	do[any](r, r.steps.Match, digest)
	if got := r.vulnerabilities(digest); !slices.Equal(got, []string{"CVE-2026-0002"}) {
		t.Errorf("vulnerabilities %v", got)
	}
}

// TestBrokenPackage: what is known of the other packages is kept, and the image
// is not taken for matched.
func TestBrokenPackage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.matcher.broken["zlib ?"] = true
	digest := r.analyzed("app:1", "openssl 1", "zlib ?")
	for range 2 {
		_, err := try[any](r, r.steps.Match, digest)
		expectFault(t, err, errkind.Invalid, false)
	}
	if matched, err := r.store.Matched(t.Context(), digest); matched || err != nil {
		t.Errorf("matched %t, %v", matched, err)
	}
	if want := []string{"openssl 1", "zlib ?", "zlib ?"}; !slices.Equal(r.matcher.matched, want) {
		t.Errorf("matched %q, want %q", r.matcher.matched, want)
	}
}

func TestWorkerStopsDuringAMatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	digest := r.analyzed("app:1", "openssl 1")
	ctx, stop := context.WithCancel(t.Context())
	r.matcher.during = stop
	if _, err := tryWith[any](r, ctx, r.steps.Match, digest); err == nil {
		t.Fatal("a match that was stopped has an outcome")
	}
	if matched, err := r.store.Matched(t.Context(), digest); matched || err != nil {
		t.Errorf("matched %t, %v", matched, err)
	}
	do[any](r, r.steps.Match, digest)
}

func TestMatchWithoutAnAnalysis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := try[any](r, r.steps.Match, image.Digest(checksum(7)))
	expectFault(t, err, errkind.NotFound, false)
}
