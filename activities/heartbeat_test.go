package activities_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/lab"
)

// TestLongStepsBeat: Temporal hears that a step is alive, and what it is doing,
// while it waits for something else.
func TestLongStepsBeat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// run runs a step that goes on once heard is closed.
		run  func(r *rig, beat func(step any, in any), heard <-chan struct{})
		want string
	}{
		{"analysis", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			digest := r.push("app:1", "openssl 1")
			r.analyzer.during = func() { <-heard }
			beat(r.steps.Analyze, analysis.Request{Target: r.target("app:1"), Digest: digest})
		}, "reading layers"},
		{"storing an analysis", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			digest := r.push("app:1", "openssl 1")
			r.steps.Store = slowStore{r.steps.Store, heard}
			beat(r.steps.Analyze, analysis.Request{Target: r.target("app:1"), Digest: digest})
		}, "storing"},
		{"finding whom to wake", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			r.steps.Store = slowStore{r.steps.Store, heard}
			beat(r.steps.StartWatches, r.target("app:1").Reference.Repository)
		}, ""},
		{"match", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			r.data(1)
			digest := r.analyzed("app:1", "openssl 1")
			r.matcher.during = func() { <-heard }
			beat(r.steps.Match, digest)
		}, "matching"},
		{"advance", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
			r.data(1)
			r.matched("app:1", "openssl 1")
			fetched := r.fetched(2)
			r.matcher.during = func() { <-heard }
			beat(r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current})
		}, "0 package groups matched"},
		{"delivery", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			r.endpoint("hook")
			r.pending(1)
			lift := r.receiver.Fail(lab.Fault{Stall: true})
			go func() { <-heard; lift() }()
			beat(r.steps.Deliver, "hook")
		}, "0 delivered"},
		{"poll", func(r *rig, beat func(any, any), heard <-chan struct{}) {
			r.push("app:1", "openssl 1")
			r.subscribe(r.target("app:1"))
			lift := r.registry.Fail(lab.Fault{Stall: true})
			go func() { <-heard; lift() }()
			beat(r.steps.PollRegistry, r.registry.Host())
		}, "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			heard, said := make(chan struct{}), ""
			var once sync.Once
			test.run(r, func(step, in any) {
				env := environment(r, t.Context())
				env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
					once.Do(func() {
						var detail any
						if err := details.Get(&detail); err == nil {
							said = fmt.Sprint(detail)
						}
						close(heard)
					})
				})
				_, err := env.ExecuteActivity(step, in)
				r.must(err)
			}, heard)
			if !strings.Contains(said, test.want) {
				t.Errorf("it says %q, want %q", said, test.want)
			}
		})
	}
}

// slowStore is a store that takes until a heartbeat is heard.
type slowStore struct {
	activities.Store
	heard <-chan struct{}
}

func (s slowStore) wait(ctx context.Context) error {
	select {
	case <-s.heard:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New("no heartbeat")
	}
}

func (s slowStore) SaveImage(ctx context.Context, inventory *sbom.Inventory, document []byte, analyzer string, now time.Time) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.SaveImage(ctx, inventory, document, analyzer, now)
}

func (s slowStore) Targets(ctx context.Context, filter subscription.TargetFilter) ([]image.Target, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Targets(ctx, filter)
}
