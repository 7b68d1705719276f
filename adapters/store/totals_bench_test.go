package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// BenchmarkTotals counts an installation of 10,000 tags with 100,000 deliveries,
// which is what one page of metrics costs the database every ten seconds.
func BenchmarkTotals(b *testing.B) {
	s, err := store.Open(b.Context(), "sqlite://"+b.TempDir()+"/tagwatch.db")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	subscribeMany(b, s, 10_000, now)
	publishMany(b, s, 1000, 100, now)
	for b.Loop() {
		if _, err := s.Totals(b.Context(), now.Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(110_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func subscribeMany(b *testing.B, s *store.Store, tags int, now time.Time) {
	b.Helper()
	var subs []subscription.Subscription
	for n := range tags {
		ref, err := image.ParseReference(fmt.Sprintf("registry.example.com/shop/app-%d:1", n))
		if err != nil {
			b.Fatal(err)
		}
		subs = append(subs, subscription.Subscription{Target: image.Target{Reference: ref}, Type: notification.TagUpdate, Active: true})
	}
	if err := s.Subscribe(b.Context(), subs, 0, now); err != nil {
		b.Fatal(err)
	}
}

// publishMany stores notifications with a delivery to each of as many endpoints.
func publishMany(b *testing.B, s *store.Store, notifications, endpoints int, now time.Time) {
	b.Helper()
	for n := range endpoints {
		if err := s.SaveEndpoint(b.Context(), endpoint.Endpoint{Name: fmt.Sprintf("e%d", n), URL: "https://example.com"}, now); err != nil {
			b.Fatal(err)
		}
	}
	for n := range notifications {
		notified := notification.Notification{ID: fmt.Sprint(n), Type: notification.TagUpdate, Subject: "a/b:1", Created: now, Payload: []byte("{}")}
		if _, err := s.Publish(b.Context(), notified, subscription.Options{}, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}
