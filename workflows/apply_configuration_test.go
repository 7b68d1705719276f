package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestApplyConfiguration tries a folder again until it is applied.
func TestApplyConfiguration(t *testing.T) {
	t.Parallel()
	wrong := declaration.Applied{Problem: &condition.Problem{Kind: errkind.Name(errkind.Invalid), Message: "a.yaml:1: missing property 'owner'"}, Retry: time.Hour}
	for name, test := range map[string]struct {
		answers []declaration.Applied
		want    []time.Duration
	}{
		"at once":             {[]declaration.Applied{{Changes: 3}}, nil},
		"once it is mended":   {[]declaration.Applied{wrong, wrong, {Changes: 3}}, []time.Duration{time.Hour, time.Hour}},
		"it does not spin":    {[]declaration.Applied{{Problem: wrong.Problem}, {}}, []time.Duration{time.Second}},
		"nothing has changed": {[]declaration.Applied{{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.configuration = func(attempt int) (declaration.Applied, error) { return test.answers[attempt-1], nil }
			env.ExecuteWorkflow(workflows.ApplyConfiguration, workflows.ConfigurationState{})
			finished(t, env)
			if got := outside.waits(); !slices.Equal(got, test.want) || len(outside.passes) != len(test.answers) {
				t.Errorf("%d attempts, waits %v, want %d and %v", len(outside.passes), got, len(test.answers), test.want)
			}
		})
	}
}

// TestApplyConfigurationWithoutAFolder ends, and nothing is wrong any more.
func TestApplyConfigurationWithoutAFolder(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.configuration = func(int) (declaration.Applied, error) {
		return declaration.Applied{}, temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, errors.New("nobody came"))
	}
	env.ExecuteWorkflow(workflows.ApplyConfiguration, workflows.ConfigurationState{})
	finished(t, env)
	if len(outside.passes) != 1 {
		t.Errorf("%d attempts, want 1", len(outside.passes))
	}
}
