package workflows_test

import (
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestRestore(t *testing.T) {
	t.Parallel()
	gone := permanentError(errkind.NotFound, "tag latest is not in the registry")
	other := errors.New("connection refused")
	tests := []struct {
		name string
		err  error
		kind error
		text string
	}{
		{"a fault", gone, errkind.NotFound, "tag latest is not in the registry"},
		{"a fault in words of Temporal's", fmt.Errorf("workflow execution error: activity error: %w", gone), errkind.NotFound, "tag latest is not in the registry"},
		{"a workflow that does not run", serviceerror.NewNotFound("workflow not found for ID: x"), errkind.NotFound, "workflow not found for ID: x"},
		{"no kind", fmt.Errorf("activity error: %w", temporal.NewApplicationError("disk full", "PathError")), nil, "disk full"},
		{"nothing of Temporal's", other, other, "connection refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := workflows.Restore(test.err)
			if got.Error() != test.text || test.kind != nil && !errors.Is(got, test.kind) {
				t.Errorf("%v; want %v: %s", got, test.kind, test.text)
			}
			if test.kind == nil && errkind.Name(got) != "" {
				t.Errorf("of kind %s", errkind.Name(got))
			}
		})
	}
	if err := workflows.Restore(nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

// Ids are unique for what they stand for, and no two kinds of workflow share one.
func TestIDs(t *testing.T) {
	t.Parallel()
	onArm := target
	onArm.Platform.OS, onArm.Platform.Architecture = "linux", "arm64"
	want := map[string]string{
		"watch-tag:registry.example.com/team/app:latest":             workflows.WatchTagID(target),
		"watch-tag:registry.example.com/team/app:latest@linux/arm64": workflows.WatchTagID(onArm),
		"analyze-image:" + string(first):                             workflows.AnalyzeImageID(first),
		"watch-registry:registry.example.com":                        workflows.WatchRegistryID(registry),
		"watch-repository:registry.example.com/team/app":             workflows.WatchRepositoryID(repository),
		"source:chat":   workflows.FollowSourceID("chat"),
		"endpoint:chat": workflows.ServeEndpointID("chat"),
	}
	for want, got := range want {
		if got != want {
			t.Errorf("id %q, want %q", got, want)
		}
	}
}
