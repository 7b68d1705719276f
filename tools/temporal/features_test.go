package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const queue = "features"

func TestListBySearchAttributes(t *testing.T) {
	t.Parallel()
	c := start(t, "--in-memory").client(t)
	critical := temporal.NewSearchAttributeKeyInt64("TagwatchCritical")
	beginTagged(t, c, "clean", keyword("TagwatchRegistry", "quay.io"), critical.ValueSet(0))
	beginTagged(t, c, "bad", keyword("TagwatchRegistry", "docker.io"), keyword("TagwatchRepository", "library/nginx"),
		keyword("TagwatchTag", "1.27"), keyword("TagwatchDigest", "sha256:1"), keyword("TagwatchPolicy", "fail"),
		critical.ValueSet(3), temporal.NewSearchAttributeKeyInt64("TagwatchHigh").ValueSet(9))
	tests := map[string]string{
		"one keyword": `TagwatchPolicy = 'fail'`,
		"all keywords": `TagwatchRegistry = 'docker.io' AND TagwatchRepository = 'library/nginx' AND TagwatchTag = '1.27' ` +
			`AND TagwatchDigest = 'sha256:1'`,
		"a prefix": `TagwatchRepository STARTS_WITH 'library/'`,
		"numbers":  `TagwatchCritical > 0 AND TagwatchHigh BETWEEN 1 AND 10`,
	}
	for name, query := range tests {
		t.Run(name, func(t *testing.T) { wantListed(t, c, query, "bad") })
	}
}

func keyword(name, value string) temporal.SearchAttributeUpdate {
	return temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value)
}

// wantListed waits until the visibility queue has caught up.
func wantListed(t *testing.T, c client.Client, query string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	err := await(ctx, query, func(ctx context.Context) error {
		found, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil {
			return err
		}
		var ids []string
		for _, execution := range found.Executions {
			ids = append(ids, execution.Execution.WorkflowId)
		}
		if !slices.Equal(ids, want) {
			return &unexpected{ids, want}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWorkflowFeatures drives one workflow through what Tagwatch's own need: update-with-start, a local and a regular activity, a
// timer, current details, search attributes set on the way, and continue-as-new.
func TestWorkflowFeatures(t *testing.T) {
	t.Parallel()
	c := start(t, "--in-memory").client(t)
	work(t, c)
	ctx := context.Background()
	handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: "watched", TaskQueue: queue, StaticSummary: "a tag",
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			Priority:                 temporal.Priority{PriorityKey: 2, FairnessKey: "docker.io"},
		}, watch, 0),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: "subscribe", Args: []any{"https://receiver"}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		t.Fatalf("update with start: %v", err)
	}
	var answer string
	if err := handle.Get(ctx, &answer); err != nil || answer != "stored https://receiver" {
		t.Fatalf("update answered %q, %v", answer, err)
	}

	var runs int
	if err := c.GetWorkflow(ctx, "watched", "").Get(ctx, &runs); err != nil || runs != 1 {
		t.Fatalf("workflow returned %d, %v; want 1 hand-over", runs, err)
	}

	wantListed(t, c, `TagwatchHigh = 7 AND ExecutionStatus = 'Completed'`, "watched")
	wantSummary(t, c, handle.RunID())
}

// wantSummary looks at the first run: a run continued as new has no summary.
func wantSummary(t *testing.T, c client.Client, run string) {
	t.Helper()
	found, err := c.DescribeWorkflow(context.Background(), "watched", run)
	if err != nil {
		t.Fatal(err)
	}
	if summary, err := found.GetStaticSummary(); err != nil || summary != "a tag" {
		t.Errorf("summary is %q, %v; want \"a tag\"", summary, err)
	}
}

func TestScheduleStartsWorkflow(t *testing.T) {
	t.Parallel()
	c := start(t, "--in-memory").client(t)
	work(t, c)

	_, err := c.ScheduleClient().Create(context.Background(), client.ScheduleOptions{
		ID:                 "nightly",
		Spec:               client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 24 * time.Hour}}},
		Action:             &client.ScheduleWorkflowAction{ID: "scheduled", Workflow: count, TaskQueue: queue},
		TriggerImmediately: true,
	})

	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	err = await(ctx, "the scheduled run", func(ctx context.Context) error {
		found, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Query: `TemporalScheduledById = 'nightly' AND ExecutionStatus = 'Completed'`,
		})
		if err == nil && found.Count != 1 {
			err = &unexpected{found.Count, 1}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// work runs a worker for the workflows below until the test ends.
func work(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(watch)
	w.RegisterWorkflow(count)
	w.RegisterActivity(look)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// watch stores a subscription, looks twice and hands over to one more run of itself.
func watch(ctx workflow.Context, run int) (int, error) {
	err := workflow.SetUpdateHandler(ctx, "subscribe", func(_ workflow.Context, url string) (string, error) {
		return "stored " + url, nil
	})
	if err != nil {
		return 0, err
	}
	workflow.SetCurrentDetails(ctx, "**looking**")
	limit := workflow.WithStartToCloseTimeout(ctx, time.Minute)
	var found int64
	if err := workflow.ExecuteActivity(limit, look).Get(ctx, &found); err != nil {
		return 0, err
	}
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	if err := workflow.ExecuteLocalActivity(local, look).Get(ctx, &found); err != nil {
		return 0, err
	}
	high := temporal.NewSearchAttributeKeyInt64("TagwatchHigh")
	if err := workflow.UpsertTypedSearchAttributes(ctx, high.ValueSet(found)); err != nil {
		return 0, err
	}
	if err := workflow.Sleep(ctx, time.Millisecond); err != nil || run > 0 {
		return run, err
	}
	return 0, workflow.NewContinueAsNewError(ctx, watch, run+1)
}

func look(context.Context) (int64, error) { return 7, nil }

func count(workflow.Context) error { return nil }
