package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/workflows"
)

// outdatedImages answers like a store with those images, numbered from 1.
func outdatedImages(analyzer string, digests ...image.Digest) func(analysis.RenewalRequest) analysis.Renewal {
	return func(r analysis.RenewalRequest) analysis.Renewal {
		if r.Analyzer != analyzer {
			r.After = 0
		}
		if int(r.After) >= len(digests) {
			return analysis.Renewal{}
		}
		return analysis.Renewal{Analyzer: analyzer, Number: r.After + 1, Digest: digests[r.After], Target: target,
			Left: len(digests) - int(r.After), Pause: 30 * time.Second}
	}
}

func renew(t *testing.T, env *testsuite.TestWorkflowEnvironment) (outcome workflows.RenewalState) {
	t.Helper()
	env.ExecuteWorkflow(workflows.RenewAnalyses, workflows.RenewalState{})
	finished(t, env)
	if err := env.GetWorkflowResult(&outcome); err != nil {
		t.Fatal(err)
	}
	return outcome
}

// Images are analyzed one after the other, after everything else and at the pace
// that is set; one that cannot be does not hold up the next.
func TestRenewAnalyses(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	refused := &condition.Problem{Kind: errkind.Name(errkind.Unauthorized), Stage: condition.StageAnalyze, Message: "denied"}
	outside.renewal = outdatedImages("syft 2", first, second)
	outside.request = func(r analysis.Request) error {
		if r.Digest == first {
			return answering(env, refused)(r)
		}
		return answering(env, nil)(r)
	}
	if diff := cmp.Diff(workflows.RenewalState{Analyzer: "syft 2", After: 2, Renewed: 1, Failed: 1}, renew(t, env)); diff != "" {
		t.Errorf("outcome (-want +got)\n%s", diff)
	}
	ask := analysis.Request{Target: target, Digest: first, Watcher: "default-test-workflow-id", Force: true, Urgency: analysis.NotUrgent}
	next := ask
	next.Digest = second
	if diff := cmp.Diff([]analysis.Request{ask, next}, outside.requested); diff != "" {
		t.Errorf("requested (-want +got)\n%s", diff)
	}
	ends := []analysis.RenewalEnd{{Analyzer: "syft 2", Digest: first, Problem: refused}, {Analyzer: "syft 2", Digest: second}}
	if diff := cmp.Diff(ends, outside.renewed); diff != "" {
		t.Errorf("ends (-want +got)\n%s", diff)
	}
	for i := 1; i < len(outside.renewals); i++ {
		if wait := outside.renewals[i].Sub(outside.renewals[i-1]); wait != 30*time.Second {
			t.Errorf("image %d after %s, want 30s", i, wait)
		}
	}
}

// An older image that only workloads run is matched as soon as it is analyzed, since no tag's
// workflow does it; one that cannot be matched does not hold up the next.
func TestRenewalsMatchOlderImages(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	images := outdatedImages("syft 2", first, second)
	outside.renewal = func(r analysis.RenewalRequest) analysis.Renewal {
		next := images(r)
		next.Older = next.Number != 0
		return next
	}
	outside.request = answering(env, nil)
	outside.match = func(digest image.Digest) error {
		if digest == first {
			return temporal.NewNonRetryableApplicationError("the SBOM cannot be read", errkind.Name(errkind.Invalid), nil)
		}
		return nil
	}
	if diff := cmp.Diff(workflows.RenewalState{Analyzer: "syft 2", After: 2, Renewed: 1, Failed: 1}, renew(t, env)); diff != "" {
		t.Errorf("outcome (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Digest{first, second}, outside.matched); diff != "" {
		t.Errorf("matched (-want +got)\n%s", diff)
	}
}

// An image whose registry does not answer takes no turn of another.
func TestRenewalsPassOverARegistryThatFails(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	down := &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Stage: condition.StageResolve, Message: "no route"}
	images := outdatedImages("syft 2", first, second)
	outside.renewal = func(r analysis.RenewalRequest) analysis.Renewal {
		next := images(r)
		if next.Digest == first {
			next.Problem = down
		}
		return next
	}
	outside.request = answering(env, nil)
	if got := renew(t, env); got.Renewed != 1 || got.Failed != 1 {
		t.Errorf("outcome %+v", got)
	}
	if len(outside.requested) != 1 || outside.requested[0].Digest != second {
		t.Errorf("requested %+v", outside.requested)
	}
	if wait := outside.renewals[1].Sub(outside.renewals[0]); wait != 0 {
		t.Errorf("the next image had to wait %s", wait)
	}
}

// An analysis that nobody answers for is left to itself, without a pause: the
// pace was kept long ago.
func TestRenewalsGoOnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.renewal = outdatedImages("syft 2", first, second)
	outside.request = func(r analysis.Request) error {
		if r.Digest == first {
			return nil
		}
		return answering(env, nil)(r)
	}
	renew(t, env)
	if diff := cmp.Diff([]analysis.RenewalEnd{{Analyzer: "syft 2", Digest: first}, {Analyzer: "syft 2", Digest: second}}, outside.renewed); diff != "" {
		t.Errorf("ends (-want +got)\n%s", diff)
	}
	if wait := outside.renewals[1].Sub(outside.renewals[0]); wait != 30*time.Minute {
		t.Errorf("waited %s for the answer", wait)
	}
}

// When another analyzer begins to lead, all images are counted anew.
func TestRenewalsBeginAnewForAnotherAnalyzer(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.request = answering(env, nil)
	before, after := outdatedImages("syft 2", first, second), outdatedImages("syft 3", first, second)
	outside.renewal = func(r analysis.RenewalRequest) analysis.Renewal {
		if r.Analyzer == "" {
			return before(r)
		}
		return after(r)
	}
	if diff := cmp.Diff(workflows.RenewalState{Analyzer: "syft 3", After: 2, Renewed: 2}, renew(t, env)); diff != "" {
		t.Errorf("outcome (-want +got)\n%s", diff)
	}
}

func TestRenewalsAreHandedOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.renewal = outdatedImages("syft 2", first, second)
	outside.request = func(r analysis.Request) error {
		env.SetContinueAsNewSuggested(true)
		return answering(env, nil)(r)
	}
	env.ExecuteWorkflow(workflows.RenewAnalyses, workflows.RenewalState{})
	var next *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("it ended with %v", err)
	}
	var state workflows.RenewalState
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &state); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(workflows.RenewalState{Analyzer: "syft 2", After: 1, Renewed: 1}, state); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
}
