package main

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// observedStore counts what is recorded. What is published of Tagwatch itself is no
// transition of a tag, and not counted.
type observedStore struct {
	activities.Store
	observer
}

// Record implements activities.Store.
func (s observedStore) Record(ctx context.Context, target image.Target, decide func(watch.RecordView) (watch.Decision, error)) error {
	var notified []notification.Notification // by the last decision, which is the one that counts
	err := s.Store.Record(ctx, target, func(view watch.RecordView) (watch.Decision, error) {
		decision, err := decide(view)
		notified = decision.Notifications
		return decision, err
	})
	s.count(notified, err)
	return err
}

// RecordAll implements activities.Store.
func (s observedStore) RecordAll(ctx context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error {
	var notified []notification.Notification
	last := -1
	err := s.Store.RecordAll(ctx, targets, func(i int, view watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
		if i <= last { // the transaction is repeated
			notified = nil
		}
		last = i
		decision, wake, err := decide(i, view)
		notified = append(notified, decision.Notifications...)
		return decision, wake, err
	})
	s.count(notified, err)
	return err
}

// RecordRepository implements activities.Store.
func (s observedStore) RecordRepository(ctx context.Context, name image.Repository, decide func(taglist.View) (taglist.Decision, error)) error {
	var notified []notification.Notification
	err := s.Store.RecordRepository(ctx, name, func(view taglist.View) (taglist.Decision, error) {
		decision, err := decide(view)
		notified = decision.Notifications
		return decision, err
	})
	s.count(notified, err)
	return err
}

func (s observedStore) count(notified []notification.Notification, err error) {
	if err != nil {
		return
	}
	for _, n := range notified {
		s.meters.transitions.WithLabelValues(string(n.Type), string(n.Cause)).Inc()
	}
}

// RecordAttempts implements activities.Store.
func (s observedStore) RecordAttempts(ctx context.Context, made []delivery.Attempted) error {
	err := s.Store.RecordAttempts(ctx, made)
	for _, each := range made {
		if err == nil && each.Next.State == delivery.Delivered {
			s.meters.deliveryDelay.Observe(each.Attempt.At.Add(each.Attempt.Duration).Sub(each.Next.Created).Seconds())
		}
	}
	return err
}

// observedSender is a sender under observation.
type observedSender struct {
	activities.Sender
	observer
}

// Send implements activities.Sender.
func (s observedSender) Send(ctx context.Context, endpoint endpoint.Endpoint, post message.Post) delivery.Answer {
	ctx, span := s.tracer.Start(tracing.WithParent(ctx, post.Trace), "webhook "+endpoint.Name,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(trace.LinkFromContext(ctx)))
	defer span.End()
	span.SetAttributes(attribute.String("tagwatch.endpoint", endpoint.Name), attribute.String("tagwatch.notification", post.ID),
		attribute.String("tagwatch.type", string(post.Type)))
	answer := s.Sender.Send(ctx, endpoint, post)
	outcome := deliveryOutcome(answer)
	if answer.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", answer.Status))
	}
	if outcome != "2xx" {
		span.SetStatus(codes.Error, outcome)
	}
	s.meters.attempts.WithLabelValues(outcome).Inc()
	s.meters.attemptDuration.Observe(answer.Duration.Seconds())
	return answer
}

// deliveryOutcome is the class of the status, as 2xx, or why there was none.
func deliveryOutcome(answer delivery.Answer) string {
	if answer.Status != 0 {
		return strconv.Itoa(answer.Status/100) + "xx"
	}
	if failure := webhook.FailureOf(answer.Err); failure != "" {
		return string(failure)
	}
	return otherLabel
}
