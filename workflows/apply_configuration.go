package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
)

// ConfigurationSummary says what ApplyConfiguration does.
const ConfigurationSummary = "Documents of --config-dir"

// ConfigurationState is all that one run of ApplyConfiguration hands to the next.
type ConfigurationState struct {
	Last declaration.Applied
	At   time.Time
}

// ApplyConfiguration applies the folder of documents that workers have. Every worker with
// one starts or wakes it when it starts and when its folder changes. The folder is read by
// the step, on whichever worker takes it: the last to see a change wakes the run that all
// agree on. A folder that cannot be applied is an outcome that is stored and shown, and
// tried again.
//
// It ends once the folder is applied. If no worker has a folder any more, it ends as well,
// and nothing is wrong any more.
func ApplyConfiguration(ctx workflow.Context, state ConfigurationState) error {
	if err := answers(ctx, func() (ConfigurationState, error) { return state, nil }); err != nil {
		return err
	}
	about := followed{condition.Task, ApplyConfigurationID, ConfigurationSummary, state.details, nil}
	if over, err := rounds(ctx, about, state.apply); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, ApplyConfiguration, state)
}

// apply applies the folder once.
func (s *ConfigurationState) apply(ctx workflow.Context) (outlook, error) {
	var applied declaration.Applied
	err := execute(ctx, configuring, "apply the folder of documents", activityName(Activities.ApplyConfiguration), &applied)
	if unserved(err) {
		report := condition.Report{Scope: condition.Scope{Kinds: []condition.Kind{condition.NotApplied}, Resource: condition.Task, Name: ApplyConfigurationID}}
		return outlook{over: true}, order(ctx, "forget the folder, which no worker has any more", Activities.FollowConditions, report)
	}
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = applied, workflow.Now(ctx)
	return outlook{over: applied.Problem == nil, wait: max(applied.Retry, shortestWait)}, nil
}

// unserved reports that no worker took a step in time.
func unserved(err error) bool {
	var timeout *temporal.TimeoutError
	return errors.As(err, &timeout) && timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START
}

func (s *ConfigurationState) details() string {
	switch {
	case s.At.IsZero():
		return "### Not applied yet\n"
	case s.Last.Problem != nil:
		return fmt.Sprintf("### Not applied: %s\n\nTried %s, again in %s.\n", problemRow(s.Last.Problem), shortTime(s.At), s.Last.Retry)
	}
	return fmt.Sprintf("### Applied\n\n%d things changed, %s.\n", s.Last.Changes, shortTime(s.At))
}
