package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// packageRegistry knows no package, if it answers.
type packageRegistry struct{ failure error }

func (p *packageRegistry) NPM(context.Context, []string) (*policy.PackageFeed, error) {
	return &policy.PackageFeed{}, p.failure
}

func (p *packageRegistry) Gems(context.Context, []string) (*policy.PackageFeed, error) {
	return &policy.PackageFeed{}, p.failure
}

// TestEvaluationThatIsPutOff: while a package registry does not answer, the status is
// that of another image, and the tag says so.
func TestEvaluationThatIsPutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	published := &packageRegistry{}
	r.steps.Packages = published
	r.data(1)
	r.activateDocument("npm", `{"id": "npm", "version": "1_0", "policies": [{"id": "p", "version": "1_0", "rules": [
		{"id": "r", "gate": "npms", "trigger": "unknown_in_feeds", "action": "STOP", "params": []}]}],
		"whitelists": [], "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	published.failure = fmt.Errorf("registry.example.com: %w", errkind.Unavailable)
	pushed := r.push("app:1", "openssl 2")
	r.resync(target)
	state := func() watch.State {
		view, err := r.store.View(t.Context(), target)
		r.must(err)
		return view.State
	}
	if s := state(); s.Analyzed != pushed || s.Evaluation == nil || s.Evaluation.Digest == pushed || s.Problem == nil || s.Problem.Stage != condition.StageEvaluate {
		t.Errorf("while it does not answer: %+v, %+v", s.Evaluation, s.Problem)
	}
	began := state().Problem
	r.clock.advance(time.Hour)
	r.resync(target)
	if s := state(); s.Problem == nil || began == nil || !s.Problem.Since.Equal(began.Since) {
		t.Errorf("an hour later: %+v, before %+v", s.Problem, began)
	}
	published.failure = nil
	r.clock.advance(time.Hour)
	r.resync(target)
	if s := state(); s.Evaluation.Digest != pushed || s.Problem != nil {
		t.Errorf("when it answers again: %+v, %+v", s.Evaluation, s.Problem)
	}
}
