package client_test

import (
	"errors"
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
	"github.com/tagwatch/tagwatch/workflows"
)

// run is a run of a workflow that ends with a result.
func run[T any](result T, err error) *mocks.WorkflowRun {
	ended := &mocks.WorkflowRun{}
	ended.On("Get", mock.Anything, mock.Anything).Return(err).Run(func(args mock.Arguments) {
		if into, ok := args.Get(1).(*T); ok {
			*into = result
		}
	})
	return ended
}

// started answers each start of a workflow in its turn: nil for a run, or the
// refusal because one is under way.
func started(ended *mocks.WorkflowRun, refusals int) (*mocks.Client, *[]sdk.StartWorkflowOptions) {
	connected, asked := &mocks.Client{}, &[]sdk.StartWorkflowOptions{}
	keep := func(args mock.Arguments) { *asked = append(*asked, args.Get(1).(sdk.StartWorkflowOptions)) }
	arguments := []any{mock.Anything, mock.Anything, mock.Anything, mock.Anything}
	if refusals > 0 {
		connected.On("ExecuteWorkflow", arguments...).Return(nil, serviceerror.NewWorkflowExecutionAlreadyStarted("under way", "", "")).Run(keep).Times(refusals)
	}
	connected.On("ExecuteWorkflow", arguments...).Return(ended, nil).Run(keep)
	connected.On("GetWorkflow", mock.Anything, mock.Anything, "").Return(run(0, errors.New("the other one failed")))
	return connected, asked
}

// An activation that finds another under way must neither be taken for it nor be
// given up.
func TestClientApplyPolicyWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	connected, asked := started(run(workflows.Applied{Changed: true, Evaluated: 3}, nil), 2)
	got, err := client.Client{Temporal: connected}.ApplyPolicy(t.Context(), "production")
	if err != nil || got != (workflows.Applied{Changed: true, Evaluated: 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, options := range *asked {
		if options.WorkflowIDConflictPolicy != enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL || !options.WorkflowExecutionErrorWhenAlreadyStarted {
			t.Errorf("joins whatever is under way: %+v", options)
		}
	}
	if len(*asked) != 3 {
		t.Errorf("started %d times, want 3", len(*asked))
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
			connected, asked := started(run(workflows.Synced{Build: "sha256:newer"}, nil), 0)
			got, err := client.Client{Temporal: connected}.SyncFeed(t.Context(), test.request)
			if err != nil || got.Build != "sha256:newer" {
				t.Errorf("%+v, %v", got, err)
			}
			if joins := (*asked)[0].WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING; joins != test.joins {
				t.Errorf("joins a run under way: %v, want %v", joins, test.joins)
			}
		})
	}
}

func TestClientRestoresFaults(t *testing.T) {
	t.Parallel()
	connected, _ := started(run(workflows.Applied{}, temporal.NewNonRetryableApplicationError("there is no bundle x", errkind.Name(errkind.NotFound), nil)), 0)
	_, err := client.Client{Temporal: connected}.ApplyPolicy(t.Context(), "x")
	if !errors.Is(err, errkind.NotFound) || err.Error() != "there is no bundle x" {
		t.Errorf("%v", err)
	}
}
