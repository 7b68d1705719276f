package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// record stores a state of the target.
func record(t *testing.T, s *store.Store, target image.Target, state watch.State) {
	t.Helper()
	check(t, s.Record(t.Context(), target, func(watch.RecordView) (watch.Decision, error) { return watch.Decision{State: state}, nil }))
}

func fullState() watch.State {
	return watch.State{
		Revision:        7,
		Resolved:        image.Resolved{Manifest: digest(1), Index: digest(2)},
		Analyzed:        digest(1),
		Basis:           watch.Basis{Build: "sha256:g", Matcher: matcher, Bundle: "b1", Analyzer: "syft 1"},
		Matched:         true,
		Vulnerabilities: []vuln.Finding{finding("CVE-2026-1", "openssl", vuln.Critical).Finding, finding("CVE-2026-2", "zlib", vuln.Low).Finding},
		Counts:          vuln.Counts{Critical: 1, Low: 1},
		Evaluation: &watch.Evaluation{Digest: digest(1), Bundle: "b1", Status: policy.Fail, FinalAction: policy.Stop,
			Document: []byte(`{"final_action": "stop"}`)},
		Problem: &condition.Problem{Kind: "NotFound", Stage: condition.StageResolve, Message: "gone \x00 \xff", Since: at(1)},
		Checked: at(2), Changed: at(3), Next: at(4),
	}
}

func TestRecordKeepsTheState(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)
		want := fullState()
		record(t, s, nginx, want)
		want.Problem.Message = "gone \x00 \uFFFD" // JSON holds UTF-8 only
		view := must[watch.RecordView](t)(s.View(t.Context(), nginx))
		if diff := cmp.Diff(want, view.State); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		summary := must[watch.Summary](t)(s.Summary(t.Context(), nginx))
		known := want.Summarize(nginx)
		known.Interval, known.NextCheck = 5*time.Minute, start // as it was subscribed to
		if diff := cmp.Diff(known, summary); diff != "" {
			t.Errorf("summary (-want +got)\n%s", diff)
		}
		less := watch.State{Revision: 8, Matched: true, Vulnerabilities: []vuln.Finding{}}
		record(t, s, nginx, less)
		view = must[watch.RecordView](t)(s.View(t.Context(), nginx))
		if diff := cmp.Diff(less, view.State); diff != "" {
			t.Errorf("after the next (-want +got)\n%s", diff)
		}
	})
}

func TestSummaryOfNothing(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		nginx := target(t, "nginx:1")
		if _, err := s.Summary(t.Context(), nginx); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unwatched: %v", err)
		}
		subscribe(t, s, nginx)
		summary := must[watch.Summary](t)(s.Summary(t.Context(), nginx))
		if diff := cmp.Diff(watch.Summary{Target: nginx, Interval: 5 * time.Minute, NextCheck: start}, summary); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// notified is a decision that tells an endpoint of revision n.
func notified(n int64) watch.Decision {
	id := fmt.Sprintf("notification-%d", n)
	return watch.Decision{
		State:         watch.State{Revision: n},
		Notifications: []notification.Notification{{ID: id, Type: notification.TagUpdate, Subject: "docker.io/nginx:1", Created: at(int(n)), Payload: []byte(`{}`)}},
		Deliveries: []delivery.Delivery{{Notification: id, Endpoint: "pager", State: delivery.Pending,
			Created: at(int(n)), NextTry: at(int(n)), Deadline: at(int(n) + 60)}},
	}
}

func TestRecordOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)
		for range 2 {
			check(t, s.Record(ctx, nginx, func(watch.RecordView) (watch.Decision, error) { return notified(1), nil }))
		}
		refused := errors.New("refused")
		err := s.Record(ctx, nginx, func(watch.RecordView) (watch.Decision, error) { return notified(2), refused })
		if !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		stored, err := s.Notifications(ctx, store.NotificationFilter{})
		check(t, err)
		deliveries, err := s.Deliveries(ctx, store.DeliveryFilter{})
		check(t, err)
		if len(stored) != 1 || len(deliveries) != 1 || deliveries[0].Notification != stored[0].ID {
			t.Errorf("%d notifications, %d deliveries", len(stored), len(deliveries))
		}
	})
}

func TestRecordUnwatched(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		nginx := target(t, "nginx:1")
		err := s.Record(t.Context(), nginx, func(view watch.RecordView) (watch.Decision, error) {
			if view.Watched {
				t.Error("nobody watches")
			}
			return notified(1), nil
		})
		if !errors.Is(err, errkind.NotFound) {
			t.Errorf("got %v", err)
		}
		stored, err := s.Notifications(t.Context(), store.NotificationFilter{})
		if err != nil || len(stored) != 0 {
			t.Errorf("%v, %v", stored, err)
		}
	})
}

// TestRecordConcurrently: each decision sees the outcome of the one before.
func TestRecordConcurrently(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		stores := []*store.Store{open(t, url), open(t, url)}
		nginx := target(t, "nginx:1")
		subscribe(t, stores[0], nginx)
		var all sync.WaitGroup
		const each = 15
		for _, s := range stores {
			for range 2 {
				all.Go(func() {
					for range each {
						if err := s.Record(ctx, nginx, func(view watch.RecordView) (watch.Decision, error) {
							return notified(view.State.Revision + 1), nil
						}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		all.Wait()
		stored, err := stores[0].Notifications(ctx, store.NotificationFilter{})
		check(t, err)
		for i, n := range stored {
			if n.ID != fmt.Sprintf("notification-%d", i+1) {
				t.Fatalf("place %d: %s", i, n.ID)
			}
		}
		if len(stored) != 4*each {
			t.Errorf("%d notifications of %d", len(stored), 4*each)
		}
	})
}

// TestKilledRecord kills a process in the middle of a record.
func TestKilledRecord(t *testing.T) {
	if url := os.Getenv(childURL); url != "" {
		s := open(t, url)
		check(t, s.Record(t.Context(), target(t, "nginx:1"), func(watch.RecordView) (watch.Decision, error) { return notified(1), nil }))
		_ = s.Record(context.Background(), target(t, "nginx:1"), func(watch.RecordView) (watch.Decision, error) {
			fmt.Println("deciding")
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test ends
			return watch.Decision{}, io.EOF
		})
		return
	}
	eachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		s := open(t, url)
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)
		process := child(t, url, "TestKilledRecord")
		in, err := process.StdinPipe()
		check(t, err)
		defer in.Close()
		out, err := process.StdoutPipe()
		check(t, err)
		check(t, process.Start())
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "deciding" {
		}
		if lines.Text() != "deciding" {
			t.Errorf("the process ends with %q before it decides", lines.Text())
		}
		_ = process.Process.Kill() // how it ended shows whether it lived
		_ = process.Wait()
		if status, _ := process.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
			t.Fatalf("the process did not live until it was killed: %v", process.ProcessState)
		}

		check(t, s.Record(ctx, nginx, func(view watch.RecordView) (watch.Decision, error) {
			if view.State.Revision != 1 {
				t.Errorf("revision %d", view.State.Revision)
			}
			return notified(2), nil
		}))
		stored, err := s.Notifications(ctx, store.NotificationFilter{})
		if err != nil || len(stored) != 2 {
			t.Errorf("%d notifications, %v", len(stored), err)
		}
	})
}

func TestNote(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		problem := func(kind string, stage condition.Stage, minute int) *condition.Problem {
			return &condition.Problem{Kind: kind, Stage: stage, Message: fmt.Sprint("at ", minute), Since: at(minute)}
		}
		if err := s.Note(ctx, nginx, at(0), problem("NotFound", condition.StageAnalyze, 0)); err != nil {
			t.Errorf("unwatched: %v", err)
		}
		subscribe(t, s, nginx)
		record(t, s, nginx, watch.State{Revision: 1, Checked: at(5)})
		steps := []struct {
			name         string
			checked      time.Time
			problem      *condition.Problem
			after        *condition.Problem
			checkedAfter time.Time
		}{
			{"begins", time.Time{}, problem("NotFound", condition.StageAnalyze, 6), problem("NotFound", condition.StageAnalyze, 6), at(5)},
			{"persists", time.Time{}, problem("NotFound", condition.StageAnalyze, 7),
				&condition.Problem{Kind: "NotFound", Stage: condition.StageAnalyze, Message: "at 7", Since: at(6)}, at(5)},
			{"changes", time.Time{}, problem("Unauthorized", condition.StageAnalyze, 8), problem("Unauthorized", condition.StageAnalyze, 8), at(5)},
			{"is checked meanwhile", at(9), nil, problem("Unauthorized", condition.StageAnalyze, 8), at(9)},
		}
		for _, step := range steps {
			check(t, s.Note(ctx, nginx, step.checked, step.problem))
			summary := must[watch.Summary](t)(s.Summary(ctx, nginx))
			if diff := cmp.Diff(step.after, summary.Problem); diff != "" {
				t.Errorf("%s (-want +got)\n%s", step.name, diff)
			}
			if !summary.Checked.Equal(step.checkedAfter) {
				t.Errorf("%s: checked %s", step.name, summary.Checked)
			}
		}
		if view := must[watch.RecordView](t)(s.View(ctx, nginx)); view.State.Revision != 1 {
			t.Errorf("revision %d", view.State.Revision)
		}
	})
}

func TestViewKnowsTheBasis(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		view := must[watch.RecordView](t)(s.View(ctx, nginx))
		if diff := cmp.Diff(watch.RecordView{Endpoints: []endpoint.Endpoint{}}, view); diff != "" {
			t.Errorf("of nothing (-want +got)\n%s", diff)
		}
		advance(t, s, "", "sha256:g1", nil)
		check(t, s.SaveBundle(ctx, policy.StoredBundle{ID: "b", Hash: "hash", Document: []byte("{}")}, start))
		must[bool](t)(s.ActivateBundle(ctx, "b", start))
		check(t, s.SaveEndpoint(ctx, endpoint.Endpoint{Name: "pager", URL: "https://pager.example"}, start))
		view = must[watch.RecordView](t)(s.View(ctx, nginx))
		if view.Build != "sha256:g1" || view.Matcher != matcher || view.Bundle != "hash" || len(view.Endpoints) != 1 {
			t.Errorf("%+v", view)
		}
	})
}
