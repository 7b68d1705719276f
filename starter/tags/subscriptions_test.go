package tags

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
)

// TestRowsOfSubscriptions: a row for each tag, and another for types that were
// subscribed to with other options.
func TestRowsOfSubscriptions(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	one, two := target(t, "a:1"), target(t, "b:1")
	all := rowsOf([]operations.Subscription{
		{Target: one, Type: notification.PolicyEval, Created: late},
		{Target: one, Type: notification.TagUpdate, Created: early},
		{Target: one, Type: notification.VulnUpdate, Created: late, Options: subscription.Options{MinSeverity: vuln.High}},
		{Target: two, Type: notification.TagUpdate, Created: late},
	})
	var got []string
	for _, row := range all {
		got = append(got, row.target.String()+" "+wording.List(row.types)+" "+row.since.UTC().Format(time.TimeOnly))
	}
	want := []string{"docker.io/a:1 policy_eval, tag_update 00:16:40", "docker.io/a:1 vuln_update 00:33:20", "docker.io/b:1 tag_update 00:33:20"}
	if wording.List(got) != wording.List(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
