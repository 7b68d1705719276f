package activities_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/workflows"
)

// outage is an endpoint's workflow with the real step, store and sender. Time
// is that of the workflow, which is skipped while nothing is to be done.
type outage struct {
	*rig
	env *testsuite.TestWorkflowEnvironment
	ids []string // of what was notified, in order
}

func newOutage(t *testing.T) *outage {
	r := newRig(t)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	o := &outage{rig: r, env: suite.NewTestWorkflowEnvironment()}
	o.env.SetStartTime(r.clock.Now())
	o.env.SetTestTimeout(4 * time.Minute) // of real time
	o.env.RegisterActivityWithOptions(r.steps, activity.RegisterOptions{SkipInvalidStructFunctions: true})
	r.steps.Now = o.env.Now
	r.endpoint("hook")
	return o
}

// at does something at a time after the beginning.
func (o *outage) at(after time.Duration, do func()) { o.env.RegisterDelayedCallback(do, after) }

// tell stores a notification and wakes the endpoint, as a resync does.
func (o *outage) tell(subject string) {
	n, err := notification.Sample(notification.TagUpdate, fmt.Sprintf("notification-%03d", len(o.ids)), "admin", o.env.Now())
	o.must(err)
	n.Subject = subject
	_, err = o.store.Publish(o.Context(), n, subscription.Options{}, o.steps.Window)
	o.must(err)
	o.ids = append(o.ids, n.ID)
	o.env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery})
}

// run runs the workflow until its endpoint is deleted.
func (o *outage) run(end time.Duration) {
	o.at(end, func() {
		o.must(o.store.DeleteEndpoint(o.Context(), "hook", o.clock.Now()))
		o.env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery})
	})
	o.env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "hook"})
	o.must(o.env.GetWorkflowError())
}

// dataIDs are the ids in the bodies, in order of arrival.
func dataIDs(r *rig, hooks []lab.Hook) []string {
	var ids []string
	for _, hook := range hooks {
		var body struct{ DataID string }
		r.must(json.Unmarshal(hook.Body, &body))
		if header := hook.Header.Get("webhook-id"); header != body.DataID {
			r.Errorf("header webhook-id %q, dataId %q", header, body.DataID)
		}
		ids = append(ids, body.DataID)
	}
	return ids
}

// TestOutageOf72Hours: a receiver that is down for three days gets everything
// that was notified meanwhile, each once, under the id that it was tried with.
func TestOutageOf72Hours(t *testing.T) {
	t.Parallel()
	const length = 72 * time.Hour
	o := newOutage(t)
	o.receiver.AnswerAlways(503)
	for hour := time.Duration(0); hour < length; hour += 2 * time.Hour {
		o.at(hour+time.Second, func() { o.tell(fmt.Sprintf("docker.io/app:%d", hour/(2*time.Hour)%5)) })
	}
	o.at(24*time.Hour, func() { o.receiver.Fail(lab.Fault{Drop: true}) })
	var before []string
	o.at(length, func() {
		before = dataIDs(o.rig, o.receiver.All())
		o.receiver.Forget()
		o.receiver.Heal()
		o.receiver.AnswerAlways(200)
	})
	// The youngest deliveries are tried again within two hours, and with the first
	// that arrives all others are due.
	o.run(length + 2*time.Hour)

	after := dataIDs(o.rig, o.receiver.All())
	if got := slices.Sorted(slices.Values(after)); !slices.Equal(got, o.ids) {
		t.Errorf("delivered after the outage: %v, want each of %v once", got, o.ids)
	}
	for _, id := range before {
		if !slices.Contains(o.ids, id) {
			t.Errorf("%s was tried during the outage, which nobody notified", id)
		}
	}
	if attempts, most := len(before), int(length/(5*time.Minute)); attempts == 0 || attempts > most {
		t.Errorf("%d attempts during the outage, want some and at most %d: one every five minutes", attempts, most)
	}
	delivered, err := o.store.Deliveries(t.Context(), store.DeliveryFilter{Endpoint: "hook", State: delivery.Delivered})
	o.must(err)
	if len(delivered) != len(o.ids) {
		t.Errorf("%d of %d are recorded as delivered", len(delivered), len(o.ids))
	}
	var log []string
	for _, line := range o.notified() {
		if line == "system.endpoint.failing hook" || line == "system.endpoint.recovered hook" {
			log = append(log, line)
		}
	}
	if want := []string{"system.endpoint.failing hook", "system.endpoint.recovered hook"}; !slices.Equal(log, want) {
		t.Errorf("event log %v, want %v", log, want)
	}
}
