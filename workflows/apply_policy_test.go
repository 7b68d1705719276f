package workflows_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestApplyPolicy(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	env.ExecuteWorkflow(workflows.ApplyPolicy, policy.Activation{Bundle: "production"})
	finished(t, env)
	var got workflows.Applied
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(workflows.Applied{Changed: true, Evaluated: 9}, got); diff != "" {
		t.Errorf("outcome (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"production"}, outside.activated); diff != "" {
		t.Errorf("activated (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{""}, outside.reevaluated); diff != "" {
		t.Errorf("evaluated for builds (-want +got)\n%s", diff)
	}
}

func TestApplyPolicyThatDoesNotExist(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	env.ExecuteWorkflow(workflows.ApplyPolicy, policy.Activation{Bundle: unknownBundle})
	err := workflows.Restore(env.GetWorkflowError())
	if !errors.Is(err, errkind.NotFound) || err.Error() != "there is no bundle unknown" {
		t.Errorf("error %v", err)
	}
	if len(outside.reevaluated) != 0 {
		t.Error("tags are evaluated for nothing")
	}
}

func TestApplyAcceptances(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	env.ExecuteWorkflow(workflows.ApplyAcceptances)
	finished(t, env)
	var applied workflows.AcceptancesApplied
	if err := env.GetWorkflowResult(&applied); err != nil {
		t.Fatal(err)
	}
	if want := (workflows.AcceptancesApplied{Evaluated: 3, StatusChanged: 1, Left: 2}); applied != want {
		t.Errorf("applied %+v, want %+v", applied, want)
	}
	if len(outside.activated) != 0 || len(outside.reevaluated) != 1 || outside.reevaluated[0] != "" {
		t.Errorf("activated %q, evaluated for builds %q", outside.activated, outside.reevaluated)
	}
}

func TestTestEndpoint(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	request := delivery.TestRequest{Endpoint: "chat", Type: notification.VulnUpdate}
	env.ExecuteWorkflow(workflows.TestEndpoint, request)
	finished(t, env)
	var got delivery.TestResult
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	want := delivery.TestResult{Type: notification.VulnUpdate, Verdict: delivery.VerdictDelivered, Status: 204, Answer: "HTTP 204"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]delivery.TestRequest{request}, outside.tested); diff != "" {
		t.Errorf("sent (-want +got)\n%s", diff)
	}
}
