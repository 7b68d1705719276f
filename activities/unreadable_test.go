package activities_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// failsUnanalyzed stops a tag whose newest image could not be analyzed.
const failsUnanalyzed = `{"id":"strict","name":"strict","version":"1_0","whitelists":[],"whitelisted_images":[],"blacklisted_images":[],
	"mappings":[{"id":"m","name":"all","registry":"*","repository":"*","image":{"type":"tag","value":"*"},"policy_ids":["p"],"whitelist_ids":[]}],
	"policies":[{"id":"p","name":"p","version":"1_0","rules":[{"id":"r","gate":"packages","trigger":"analysis_failed","action":"STOP","params":[]}]}]}`

// TestPolicyOfAnImageThatCannotBeAnalyzed: the former outcome stands, unless a
// policy says what such an image is worth; the next good image ends that.
func TestPolicyOfAnImageThatCannotBeAnalyzed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.activateDocument("strict", failsUnanalyzed)
	good := r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	damaged := r.push("app:1", "nothing 0")
	r.analyzer.failures[damaged] = errkind.Invalid
	r.resync(target)
	notified := r.notified()[mark:]
	if got := strings.Join(notified, ", "); !strings.Contains(got, "tag_update image app:1") || !strings.Contains(got, "policy_eval image app:1") ||
		!strings.Contains(got, "user.image.analysis.failed app:1") || len(notified) != 3 {
		t.Errorf("notified %q", notified)
	}
	state := view(r, target).State
	if state.Analyzed != good || state.Counts.High != 1 || state.Evaluation.Status != policy.Fail || state.Problem == nil {
		t.Errorf("analyzed %s, %+v, %s, problem %+v", state.Analyzed, state.Counts, state.Evaluation.Status, state.Problem)
	}
	if !strings.Contains(string(state.Evaluation.Document), string(damaged)) {
		t.Error("the result does not name the image that failed")
	}
	subject, err := r.store.Subject(t.Context(), target, state.Analyzed)
	r.must(err)
	if subject.Failed == nil || subject.Failed.Digest != damaged {
		t.Errorf("who evaluates the tag anew sees the failed image %+v", subject.Failed)
	}

	mark = len(r.notified())
	r.resync(target)
	r.expect(mark)
	r.push("app:1", "openssl 2")
	r.resync(target)
	notified = r.notified()[mark:]
	if got := strings.Join(notified, ", "); !strings.Contains(got, "policy_eval image app:1") || !strings.Contains(got, "vuln_update image app:1") {
		t.Errorf("notified %q of the next good image", notified)
	}
	if state := view(r, target).State; state.Problem != nil || state.Evaluation.Status != policy.Pass {
		t.Errorf("recovered: %s, problem %+v", state.Evaluation.Status, state.Problem)
	}
}

// TestFirstImageThatCannotBeAnalyzed: there is nothing to evaluate, which is not a
// pass, and no list of packages.
func TestFirstImageThatCannotBeAnalyzed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.activateDocument("strict", failsUnanalyzed)
	r.analyzer.failures[r.push("app:1", "nothing 0")] = errkind.Invalid
	target := r.target("app:1")
	r.subscribe(target)
	r.resync(target)
	r.expect(0, "user.image.analysis.failed app:1")
	state := view(r, target).State
	if state.Analyzed != "" || state.Matched || state.Evaluation != nil || state.Problem == nil {
		t.Errorf("analyzed %q, matched %v, evaluation %+v, problem %+v", state.Analyzed, state.Matched, state.Evaluation, state.Problem)
	}
}
