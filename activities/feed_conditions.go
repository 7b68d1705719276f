package activities

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// followData follows what is wrong with the current data or its future. Data that
// nobody renews looks like data without news.
func (a *Activities) followData(ctx context.Context, feed databuild.Feed) error {
	var current vuln.Description
	details := map[string]any{"status": feed.Status}
	if feed.Current != nil {
		current = *feed.Current
		details["build"], details["built"] = current.Checksum, current.Built
	}
	_, err := a.follow(ctx, condition.Report{Scope: condition.Scope{Kinds: vuln.ConditionKinds},
		Found: vuln.Conditions(current, feed.Status, a.FeedMaxAge, a.now())}, details)
	return err
}
