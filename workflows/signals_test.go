package workflows

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/stretchr/testify/mock"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Whoever meets a signal in the Web UI reads there what it asks for, and with which
// input.
func TestEverySignalIsDescribed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	ast.Inspect(file, func(node ast.Node) bool {
		constant, is := node.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(constant.Names[0].Name, "Signal") {
			return true
		}
		named++
		name, _ := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
		if text := signals[name]; !strings.Contains(strings.ToLower(text), "input") {
			t.Errorf("signal %s is described as %q", name, text)
		}
		return true
	})
	if named < 7 || named != len(signals) {
		t.Errorf("%d signals are named and %d described", named, len(signals))
	}
}

// What comes by the thousand waits in a queue of its own.
func TestWorkflowsStartInTheirQueues(t *testing.T) {
	t.Parallel()
	connected, asked := &mocks.Client{}, map[string]string{}
	connected.On("SignalWithStartWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Return(nil, nil).Run(func(args mock.Arguments) {
		options := args.Get(4).(client.StartWorkflowOptions)
		asked[options.ID] = options.TaskQueue
	})
	c, ctx := Client{Temporal: connected}, context.Background()
	target, err := image.ParseTarget("registry.example.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	repository := target.Reference.Repository
	for id, start := range map[string]func() error{
		WatchTagID(target):                      func() error { return c.WakeTag(ctx, target) },
		AnalyzeImageID("sha256:a"):              func() error { return c.RequestAnalysis(ctx, watch.AnalysisRequest{Digest: "sha256:a"}) },
		WatchRegistryID("registry.example.com"): func() error { return c.WakeRegistry(ctx, "registry.example.com") },
		WatchRepositoryID(repository):           func() error { return c.WakeRepository(ctx, repository) },
		ServeEndpointID("ops"):                  func() error { return c.WakeEndpoint(ctx, "ops") },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
		want := QueueMain
		if strings.HasPrefix(id, watchTag) || strings.HasPrefix(id, "analyze-image:") {
			want = QueueTags
		}
		if asked[id] != want {
			t.Errorf("%s starts in %q, want %q", id, asked[id], want)
		}
	}
}
