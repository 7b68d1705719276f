package activities_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestAuditOfSubscribe: a request through a workflow is recorded as that of who asked,
// once, however often its step is killed and repeated; and removed when it is old.
func TestAuditOfSubscribe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	ci := audit.Actor{Name: "ci", Via: audit.API}
	request := subscription.Request{Targets: []image.Target{r.target("app:1")}, Types: notification.TagTypes, By: ci}
	r.watchers.failure = errKilled
	if _, err := try[[]subscription.Result](r, r.steps.Subscribe, request); err == nil {
		t.Fatal("the step was not killed")
	}
	r.watchers.failure = nil
	do[[]subscription.Result](r, r.steps.Subscribe, request)
	request.By, request.Types = audit.Actor{}, []notification.Type{notification.TagUpdate}
	request.Targets = []image.Target{r.target("app:1")}
	request.Options.FixableOnly = true
	do[[]subscription.Result](r, r.steps.Subscribe, request) // nobody's
	got, err := r.store.Audit(t.Context(), audit.Filter{})
	r.must(err)
	if len(got) != 1 || got[0].Actor != ci || got[0].Action != audit.SubscriptionCreate || got[0].Subject != r.target("app:1").String() {
		t.Errorf("recorded %+v", got)
	}
	r.steps.AuditRetention = 24 * time.Hour
	if pruned := do[watch.Pruned](r, r.steps.Prune); pruned.Changes != 0 {
		t.Errorf("removed %+v", pruned)
	}
	r.clock.advance(25 * time.Hour)
	if pruned := do[watch.Pruned](r, r.steps.Prune); pruned.Changes != 1 {
		t.Errorf("removed %+v", pruned)
	}
}
