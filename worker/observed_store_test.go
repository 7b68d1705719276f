package main

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// repeating is a store whose transaction is given up and run again.
type repeating struct {
	activities.Store
	failure error
}

func (s repeating) RecordAll(_ context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error {
	for range 2 {
		for i := range targets {
			if _, _, err := decide(i, watch.RecordView{}); err != nil {
				return err
			}
		}
	}
	return s.failure
}

// TestObservedStoreCountsBulkRecords once, although a transaction may be repeated, and
// not at all if nothing is stored.
func TestObservedStoreCountsBulkRecords(t *testing.T) {
	t.Parallel()
	seen := newMeters()
	decide := func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
		return watch.Decision{Notifications: []notification.Notification{{Type: notification.PolicyEval, Cause: notification.CausePolicy}}}, "", nil
	}
	for _, failure := range []error{nil, errors.New("no space left")} {
		observed := observedStore{repeating{failure: failure}, observer{seen, noop.Tracer{}}}
		if err := observed.RecordAll(t.Context(), make([]image.Target, 3), decide); !errors.Is(err, failure) {
			t.Error(err)
		}
		if counted := testutil.ToFloat64(seen.transitions.WithLabelValues(string(notification.PolicyEval), string(notification.CausePolicy))); counted != 3 {
			t.Errorf("%g transitions, want 3", counted)
		}
	}
}
