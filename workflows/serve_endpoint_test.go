package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// gone is a round at an endpoint that was removed.
func gone() (delivery.Round, error) { return delivery.Round{}, nil }

func TestServeEndpointWaits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		next time.Duration // zero for nothing pending
		want time.Duration
	}{
		{"until the next attempt is due", 3 * time.Minute, 3 * time.Minute},
		{"nothing pending: checks again some time, should a wake-up be lost", 0, 5 * time.Minute},
		{"an attempt far ahead", 10 * time.Hour, 5 * time.Minute},
		{"overdue", -time.Minute, time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.deliver = func(round int) (delivery.Round, error) {
				if round > 1 {
					return gone()
				}
				r := delivery.Round{Active: true}
				if test.next != 0 {
					r.Next, r.Pending = env.Now().Add(test.next), 1
				}
				return r, nil
			}
			env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
			finished(t, env)
			if want := []time.Duration{test.want}; !slices.Equal(want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), want)
			}
		})
	}
}

func TestServeEndpointWakesOnSignal(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.deliver = func(round int) (delivery.Round, error) {
		if round > 3 {
			return gone()
		}
		return delivery.Round{Active: true}, nil
	}
	// The first comes with the start, and the first round serves it.
	for _, at := range []time.Duration{0, time.Minute, 3 * time.Minute} {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery}) }, at)
	}
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	finished(t, env)
	if want := []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// Whoever is woken often must not leave a timer behind each time: every one of
// them would wake it once more.
func TestServeEndpointTakesItsTimersBack(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	set, over := 0, 0
	env.SetOnTimerScheduledListener(func(string, time.Duration) { set++ })
	env.SetOnTimerFiredListener(func(string) { over++ })
	env.SetOnTimerCanceledListener(func(string) { over++ })
	outside.deliver = func(round int) (delivery.Round, error) {
		if round > 50 {
			return gone()
		}
		return delivery.Round{Active: true}, nil
	}
	for i := range 50 {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery}) }, time.Duration(i)*time.Second)
	}
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	finished(t, env)
	if set != over {
		t.Errorf("%d timers set, %d of them over", set, over)
	}
}

// A delivery that is stored during a round may have come too late for it. The
// signal arrives before the round ends, in one task with its end, or while the
// endpoint seems to be gone.
func TestServeEndpointWakeUpDuringARound(t *testing.T) {
	t.Parallel()
	for _, active := range []bool{true, false} {
		for _, together := range []bool{true, false} {
			env, outside := newWorld(t)
			outside.deliver = func(round int) (delivery.Round, error) {
				if round > 1 {
					return gone()
				}
				if together {
					env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery})
				} else {
					env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeDelivery})
				}
				return delivery.Round{Active: active}, nil
			}
			env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
			finished(t, env)
			if want := []time.Duration{0}; !slices.Equal(want, outside.waits()) {
				t.Errorf("active %v, together %v: waits %v, want %v", active, together, outside.waits(), want)
			}
		}
	}
}

func TestServeEndpointSurvivesAFault(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.deliver = func(round int) (delivery.Round, error) {
		if round < 3 {
			return delivery.Round{}, permanentError(errkind.Invalid, "a row cannot be read")
		}
		return gone()
	}
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	finished(t, env)
	if want := []time.Duration{30 * time.Second, time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestServeEndpointNotifiesItsState(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	want := delivery.Round{Active: true, Pending: 4, Retried: 4, State: delivery.EndpointState{LastAnswer: "HTTP 503"}}
	outside.deliver = func(int) (delivery.Round, error) {
		env.SetContinueAsNewSuggested(true)
		return want, nil
	}
	env.RegisterDelayedCallback(func() {
		answer, err := env.QueryWorkflow(workflows.QueryStatus)
		if err != nil {
			t.Error(err)
			return
		}
		var got workflows.EndpointState
		if err := answer.Get(&got); err != nil || got.Name != "chat" || !cmp.Equal(want, got.Last) {
			t.Errorf("status %+v, %v", got, err)
		}
	}, time.Minute)
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	if got := handedOver[workflows.EndpointState](t, env); got.Name != "chat" || !cmp.Equal(want, got.Last) {
		t.Errorf("handed over %+v", got)
	}
}

// A dead endpoint must not keep the others' deliveries from being made: they
// have a task queue of their own.
func TestDeliveriesHaveTheirQueue(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	queues := map[string]string{}
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		queues[info.ActivityType.Name] = info.TaskQueue
	})
	outside.deliver = func(int) (delivery.Round, error) { return gone() }
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	finished(t, env)
	if diff := cmp.Diff(map[string]string{"Deliver": workflows.QueueDelivery}, queues); diff != "" {
		t.Errorf("queues (-want +got)\n%s", diff)
	}
}
