package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestPendingSummary: what is gathered goes with the summary that tells it, for the
// endpoints that it is notified to.
func TestPendingSummary(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		tag := target(t, "registry.example/app:1")
		subscribe(t, s, tag)
		for _, name := range []string{"chat", "mail"} {
			check(t, s.SaveEndpoint(ctx, endpoint.Endpoint{Name: name, URL: "https://receiver.example/" + name}, start))
		}
		notified := newNotification("n1", 0)
		revision := notification.Revision{Notification: notified.ID, Tag: tag.String(), Added: 1, Removed: 2, Matcher: matcher, Before: notification.Scanner{Matcher: "grype 1"}}
		check(t, s.Record(ctx, tag, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1}, Notifications: []notification.Notification{notified},
				PendingSummary: []notification.PendingSummary{{Endpoint: "mail", Revision: revision}, {Endpoint: "chat", Revision: revision}, {Endpoint: "gone", Revision: revision}}}, nil
		}))
		pending := func() []notification.PendingSummary {
			return must[[]notification.PendingSummary](t)(s.PendingSummary(ctx))
		}
		want := []notification.PendingSummary{{Endpoint: "chat", Revision: revision}, {Endpoint: "mail", Revision: revision}}
		if diff := cmp.Diff(want, pending()); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
		summary := newNotification("s1", 1)
		d := delivery.Delivery{Notification: summary.ID, Endpoint: "chat", State: delivery.Pending, Created: start, NextTry: start, Deadline: at(60)}
		for range 2 {
			check(t, s.SendSummary(ctx, summary, []delivery.Delivery{d}, []notification.Revision{revision}))
		}
		if diff := cmp.Diff(want[1:], pending()); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		if names := must[[]string](t)(s.BacklogEndpoints(ctx)); !cmp.Equal(names, []string{"chat"}) {
			t.Errorf("endpoints %v have something to deliver", names)
		}
	})
}

// TestBehind counts the tags that hold what changed and have not checked it.
func TestBehind(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		analyzed(t, s, digest(2), at(0), "zlib")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		holds, lacks := target(t, "holds:1"), target(t, "lacks:1")
		subscribe(t, s, holds, lacks)
		old := watch.Basis{Build: "sha256:g1", Matcher: matcher}
		record(t, s, holds, watch.State{Revision: 1, Analyzed: digest(1), Matched: true, Basis: old})
		record(t, s, lacks, watch.State{Revision: 1, Analyzed: digest(2), Matched: true, Basis: old})
		_, err := move(t, s, databuild.Advance{From: "sha256:g1", To: "sha256:g1", FromEngine: matcher, Matcher: "grype 99", Watermark: 100},
			findings(ids, "CVE-2026-2"), start)
		check(t, err)
		if n := must[int](t)(s.Behind(ctx)); n != 1 {
			t.Errorf("%d tags are behind, want 1", n)
		}
		record(t, s, holds, watch.State{Revision: 2, Analyzed: digest(1), Matched: true, Basis: watch.Basis{Build: "sha256:g1", Matcher: "grype 99"}})
		if n := must[int](t)(s.Behind(ctx)); n != 0 {
			t.Errorf("%d tags are behind, want none", n)
		}
	})
}
