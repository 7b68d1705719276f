package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// connected is a Temporal that keeps what is started. The first start with that many
// arguments is refused because another run is under way.
func connected(refused int) (*mocks.Client, *[]start) {
	fake, asked := &mocks.Client{}, &[]start{}
	run := &mocks.WorkflowRun{}
	run.On("GetID").Return("the workflow")
	run.On("GetRunID").Return("the run")
	keep := func(args mock.Arguments) {
		*asked = append(*asked, start{args.Get(1).(sdk.StartWorkflowOptions), args.String(2), args[3:]})
	}
	for _, count := range []int{3, 4, 5} {
		arguments := slices.Repeat([]any{mock.Anything}, count)
		if count == 3+refused {
			fake.On("ExecuteWorkflow", arguments...).Return(nil, serviceerror.NewWorkflowExecutionAlreadyStarted("under way", "", "")).Run(keep).Once()
		}
		fake.On("ExecuteWorkflow", arguments...).Return(run, nil).Run(keep)
	}
	return fake, asked
}

// start is the request to Temporal.
type start struct {
	sdk.StartWorkflowOptions
	workflow  string
	arguments []any
}

// A request that finds another under way is neither taken for it nor given up.
func TestClientTakesItsTurn(t *testing.T) {
	t.Parallel()
	fake, asked := connected(1)
	other := &mocks.WorkflowRun{}
	other.On("Get", mock.Anything, mock.Anything).Return(errors.New("the other one failed"))
	fake.On("GetWorkflow", mock.Anything, workflows.SyncFeedID, "").Return(other)
	got, err := client.Client{Temporal: fake}.SyncFeed(t.Context(), databuild.SyncRequest{Release: "sha256:held"})
	if want := (client.Run{Workflow: "the workflow", ID: "the run"}); err != nil || got != want || len(*asked) != 2 {
		t.Errorf("%+v, %v after %d starts", got, err, len(*asked))
	}
	for _, start := range *asked {
		if start.WorkflowIDConflictPolicy != enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL || !start.WorkflowExecutionErrorWhenAlreadyStarted {
			t.Errorf("joins whatever is under way: %+v", start)
		}
	}
}

// A comparison begins at once, whatever is under way.
func TestClientReconcilesAtOnce(t *testing.T) {
	t.Parallel()
	fake, asked := connected(-1)
	for range 2 {
		if _, err := (client.Client{Temporal: fake}).Reconcile(t.Context(), watcher.ReconcileRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, start := range *asked {
		if !strings.HasPrefix(start.ID, workflows.ReconcileID+":") || start.ID == (*asked)[0].ID && start.ID == (*asked)[1].ID {
			t.Errorf("started as %s", start.ID)
		}
	}
}

func TestClientSyncFeedJoins(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		request databuild.SyncRequest
		joins   bool
	}{
		{"nothing particular", databuild.SyncRequest{}, true},
		{"a file", databuild.SyncRequest{File: "/mirror/newer.tar.zst"}, false},
		{"release", databuild.SyncRequest{Release: "sha256:held"}, false},
		{"rollback", databuild.SyncRequest{Rollback: "sha256:current"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake, asked := connected(-1)
			if _, err := (client.Client{Temporal: fake}).SyncFeed(t.Context(), test.request); err != nil {
				t.Fatal(err)
			}
			if joins := (*asked)[0].WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING; joins != test.joins {
				t.Errorf("joins a run under way: %v, want %v", joins, test.joins)
			}
		})
	}
}

func TestClientRestoresFaults(t *testing.T) {
	t.Parallel()
	ended := &mocks.WorkflowRun{}
	ended.On("Get", mock.Anything, mock.Anything).Return(temporal.NewNonRetryableApplicationError("there is no bundle x", errkind.Name(errkind.NotFound), nil))
	fake := &mocks.Client{}
	fake.On("GetWorkflow", mock.Anything, "apply-policy", "one").Return(ended)
	err := client.Client{Temporal: fake}.Await(t.Context(), client.Run{Workflow: "apply-policy", ID: "one"}, nil)
	if !errors.Is(err, errkind.NotFound) || err.Error() != "there is no bundle x" {
		t.Errorf("%v", err)
	}
}
