package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab"
)

func TestUnchangedTagCostsOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.registry.Forget()
	seen := r.resync(target)
	if seen.Changed || !seen.Active || !seen.Analyzed || !seen.Matched {
		t.Errorf("seen %+v", seen)
	}
	if heads, all := r.registry.Count(lab.Call{Method: http.MethodHead}), len(r.registry.Calls()); heads != 1 || all != 1 {
		t.Errorf("%d requests, %d of them HEAD", all, heads)
	}
}

func TestNobodySubscribed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if seen := do[watch.Observation](r, r.steps.Observe, r.target("app:1")); seen.Active {
		t.Error("a target that nobody is subscribed to is active")
	}
	if calls := r.registry.Calls(); len(calls) > 0 {
		t.Errorf("unexpected requests to the registry: %v", calls)
	}
}

// TestRegistryThatFailsHoldsNothingUp: the last known image meets new data and
// policies while nobody can tell what the tag points to.
func TestRegistryThatFailsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func(*rig)
	}{
		{"answers with errors", func(r *rig) { r.registry.Fail(lab.Fault{Status: http.StatusBadGateway}) }},
		{"breaks connections", func(r *rig) { r.registry.Fail(lab.Fault{Drop: true}) }},
		{"is down", func(r *rig) { r.must(r.registry.Pause()) }},
		{"has lost the tag", func(r *rig) { r.must(r.registry.Delete(r.Context(), "app:1")) }},
		{"refuses", func(r *rig) { r.registry.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusForbidden}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.data(1)
			r.activate("usual", "high")
			digest := r.push("app:1", "openssl 1")
			target := r.settled("app:1")
			test.fail(r)
			before := view(r, target).State
			r.clock.advance(time.Hour)
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Critical))
			r.data(2)
			seen := r.resync(target)
			if seen.Problem == nil || seen.Problem.Stage != condition.StageResolve || seen.Resolved.Manifest != digest {
				t.Errorf("seen %+v", seen)
			}
			if notified := r.notified(); !slices.Contains(notified, "vuln_update feed app:1") || !slices.Contains(notified, "policy_eval feed app:1") || slices.Contains(notified, "tag_update image app:1") {
				t.Errorf("notified %q", notified)
			}
			after := view(r, target).State
			if r.problem(target) == nil || after.Resolved != before.Resolved {
				t.Errorf("state after: problem %v, resolved %v", r.problem(target), after.Resolved)
			}
		})
	}
}

// problem is what users see of a tag.
func (r *rig) problem(target image.Target) *condition.Problem {
	r.Helper()
	summary, err := r.store.Summary(r.Context(), target)
	r.must(err)
	return summary.Problem
}

// TestFailingTagIsNotifiedOnce: whatever else goes on meanwhile, a tag that is gone
// is notified of when that begins and when it ends.
func TestFailingTagIsNotifiedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	later := func() { r.clock.advance(time.Hour); r.resync(target) }

	r.must(r.registry.Delete(t.Context(), "app:1"))
	later()
	began := r.problem(target).Since
	lift := r.registry.Fail(lab.Fault{Status: http.StatusInternalServerError}) // says nothing of the tag
	later()
	lift()
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.data(2) // is recorded, and does not end the problem
	later()
	later()
	if p := r.problem(target); p == nil || !p.Since.Equal(began) || p.Kind != errkind.Name(errkind.NotFound) {
		t.Errorf("problem %+v, want NotFound since %s", p, began)
	}
	r.push("app:1", "openssl 1")
	later()
	later()
	r.expect(mark, "system.image_analysis.registry_lookup_failed app:1", "vuln_update feed app:1",
		"system.image_analysis.registry_lookup_recovered app:1")
	if p := r.problem(target); p != nil {
		t.Errorf("problem %+v remains", p)
	}

	r.must(r.registry.Delete(t.Context(), "app:1"))
	later()
	r.expect(mark+3, "system.image_analysis.registry_lookup_failed app:1")
}

// TestRegistryOutOfReachIsNotTheTagsToTell: its poller tells, once for all.
func TestRegistryOutOfReachIsNotTheTagsToTell(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	r.must(r.registry.Pause())
	if seen := r.resync(target); seen.Problem == nil || seen.Problem.Kind != errkind.Name(errkind.Unavailable) {
		t.Errorf("problem %+v", seen.Problem)
	}
	r.must(r.registry.Resume())
	r.resync(target)
	r.expect(mark)
}

func TestRegistryThatAsksToWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.registry.Fail(lab.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}})
	if seen := r.resync(target); seen.RetryAfter < 50*time.Minute || seen.RetryAfter > time.Hour {
		t.Errorf("wait %s, want about an hour", seen.RetryAfter)
	}
}

// TestIndexAroundTheSameImage: another index for the same platform's image is
// recorded and not notified.
func TestIndexAroundTheSameImage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	ours, other := build(r, "linux/amd64", "openssl 1"), build(r, "linux/arm64", "openssl 1")
	first := r.pushIndex("app:1", ours)
	target := r.settled("app:1")
	mark := len(r.notified())
	second := r.pushIndex("app:1", ours, other)
	r.resync(target)
	r.expect(mark)
	if got := view(r, target).State.Resolved.Index; got != second || first == second {
		t.Errorf("index %s is recorded, want %s", got, second)
	}
	if seen := r.resync(target); seen.Changed {
		t.Error("the index that was recorded is news again")
	}
}

// TestFailedAnalysisSurvivesALook: that the registry answers does not repair an
// image.
func TestFailedAnalysisSurvivesALook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.analyzer.failures[r.push("app:1", "openssl 2")] = fmt.Errorf("truncated: %w", errkind.Invalid)
	r.resync(target)
	r.must(r.registry.Pause())
	r.resync(target)
	r.must(r.registry.Resume())
	seen := r.resync(target)
	for _, p := range []*condition.Problem{seen.Problem, view(r, target).State.Problem} {
		if p == nil || p.Stage != condition.StageAnalyze {
			t.Errorf("problem %+v, want that of the analysis", p)
		}
	}
	if seen.Changed {
		t.Error("an image that cannot be analyzed is taken up again at every check")
	}
}

func view(r *rig, target image.Target) watch.RecordView {
	r.Helper()
	view, err := r.store.View(r.Context(), target)
	r.must(err)
	return view
}

func build(r *rig, platform string, packages ...string) v1.Image {
	r.Helper()
	built, err := lab.NewImage(lab.Platform(platform), lab.Run("install", lab.Text("/packages", fmt.Sprint(packages))))
	r.must(err)
	hash, err := built.Digest()
	r.must(err)
	r.analyzer.finds(image.Digest(hash.String()), packages...)
	return built
}

func (r *rig) pushIndex(repositoryAndTag string, images ...v1.Image) image.Digest {
	r.Helper()
	index, err := lab.NewIndex(images...)
	r.must(err)
	hash, err := r.registry.Push(repositoryAndTag, index)
	r.must(err)
	return image.Digest(hash.String())
}
