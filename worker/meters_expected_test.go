package main

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// TestSeriesBeginAtZero sees what Prometheus needs to find an increase in the
// first event of its kind.
func TestSeriesBeginAtZero(t *testing.T) {
	t.Parallel()
	seen := newMeters()
	if got, want := testutil.CollectAndCount(seen.transitions), (len(notification.Types)-1)*len(notification.Causes); got != want {
		t.Errorf("%d series of transitions, want %d", got, want)
	}
	for _, outcome := range []string{"2xx", "4xx", "5xx", "timeout"} {
		before := testutil.CollectAndCount(seen.attempts)
		if got := testutil.ToFloat64(seen.attempts.WithLabelValues(outcome)); got != 0 || testutil.CollectAndCount(seen.attempts) != before {
			t.Errorf("attempts with the outcome %s do not begin at 0", outcome)
		}
	}
}

func TestStepsBeginWithoutFailures(t *testing.T) {
	t.Parallel()
	seen := newMeters()
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&stepCounter{meters: seen}}})
	fails := false
	env.RegisterActivityWithOptions(func() error {
		if fails {
			return fmt.Errorf("match: %w", errkind.Unavailable)
		}
		return nil
	}, activity.RegisterOptions{Name: "Match"})
	for _, want := range []float64{0, 1} {
		if _, err := env.ExecuteActivity("Match"); (err != nil) != fails {
			t.Fatal(err)
		}
		if got := testutil.CollectAndCount(seen.failures); got != len(failureKinds) {
			t.Errorf("%d series of failures, want one for each of %d kinds", got, len(failureKinds))
		}
		if got := testutil.ToFloat64(seen.failures.WithLabelValues("Match", "Unavailable")); got != want {
			t.Errorf("%v failures, want %v", got, want)
		}
		fails = true
	}
}
