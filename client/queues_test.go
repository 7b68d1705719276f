package client_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// What comes by the thousand waits in a queue of its own.
func TestWorkflowsStartInTheirQueues(t *testing.T) {
	t.Parallel()
	connected, asked := &mocks.Client{}, map[string]string{}
	connected.On("SignalWithStartWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Return(nil, nil).Run(func(args mock.Arguments) {
		options := args.Get(4).(sdk.StartWorkflowOptions)
		asked[options.ID] = options.TaskQueue
	})
	c, ctx := client.Client{Temporal: connected}, context.Background()
	target, err := image.ParseTarget("registry.example.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	repository := target.Reference.Repository
	for id, start := range map[string]func() error{
		workflows.WatchTagID(target):                      func() error { return c.WakeTag(ctx, target, watcher.WakeManual) },
		workflows.AnalyzeImageID("sha256:a"):              func() error { return c.RequestAnalysis(ctx, analysis.Request{Digest: "sha256:a"}) },
		workflows.WatchRegistryID("registry.example.com"): func() error { return c.WakeRegistry(ctx, "registry.example.com", watcher.WakeManual) },
		workflows.WatchRepositoryID(repository):           func() error { return c.WakeRepository(ctx, repository, watcher.WakeManual) },
		workflows.FollowSourceID("shop"):                  func() error { return c.WakeSource(ctx, "shop", watcher.WakeManual) },
		workflows.ServeEndpointID("ops"):                  func() error { return c.WakeEndpoint(ctx, "ops", watcher.WakeManual) },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
		want := workflows.QueueMain
		if strings.HasPrefix(id, workflows.PrefixTag) || strings.HasPrefix(id, "analyze-image:") {
			want = workflows.QueueTags
		}
		if asked[id] != want {
			t.Errorf("%s starts in %q, want %q", id, asked[id], want)
		}
	}
}
