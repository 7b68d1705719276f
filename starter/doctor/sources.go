package doctor

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// sources lists those that cannot be read, or that wait to be confirmed.
func (e *examination) sources(ctx context.Context) {
	const subject = "sources"
	if e.Stored == nil {
		return // reported above
	}
	list, err := e.Stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreadable}})
	if e.unread(subject, err) {
		return
	}
	for _, f := range condition.Confirmed(list) {
		advice := "correct the source or its settings: tagwatch source show " + f.Name
		if f.Step == string(condition.StageConfirm) {
			advice = "see tagwatch source show " + f.Name + "; if that is right: tagwatch source confirm " + f.Name
		}
		e.fail(subject, advice, "source %s is not followed since %s: %s", f.Name, e.When(f.Since), f.Message)
	}
	if len(condition.Confirmed(list)) > 0 {
		return
	}
	stored, err := e.Stored.Sources(ctx)
	if !e.unread(subject, err) && len(stored) > 0 {
		e.ok(subject, "%d followed", len(stored))
	}
}
