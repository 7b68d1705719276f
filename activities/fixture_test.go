package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/lab"
)

// rig is the steps on real parts: a database, a registry and a receiver. The
// analyzer, the matcher, the feed and Temporal are stand-ins that do as they are
// notified.
type rig struct {
	*testing.T
	steps    *activities.Activities
	store    *store.Store
	registry *lab.Registry
	receiver *lab.Receiver
	analyzer *analyzer
	matcher  *matcher
	feed     *feed
	watchers *watchers
	clock    *clock
}

// clock is the time of a test, which passes when the test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newRig starts everything, without any data, policy or endpoint.
func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, storetest.Open(t))
}

func newRigOn(t *testing.T, kept *store.Store) *rig {
	t.Helper()
	r := &rig{T: t, analyzer: newAnalyzer(), watchers: &watchers{},
		clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	r.store = kept
	r.registry = start(r, lab.NewRegistry)
	r.receiver = start(r, lab.NewReceiver)
	registries, err := registry.New(registry.Options{RequestsPerSecond: 1e6})
	r.must(err)
	sender, err := webhook.New(webhook.Options{})
	r.must(err)
	t.Cleanup(sender.Close)
	r.matcher = newMatcher("matcher 1")
	r.feed = newFeed()
	r.steps = &activities.Activities{Store: r.store, Registry: registries, Analyzer: r.analyzer, Matcher: r.matcher, Feed: r.feed,
		Sender: sender, Watchers: r.watchers, Account: message.Account{Name: "admin"}, Poll: 5 * time.Minute, Resync: time.Hour,
		Window: 75 * time.Hour, Retention: 30 * 24 * time.Hour, Now: r.clock.Now, Log: slog.New(slog.DiscardHandler)}
	return r
}

// start opens something that is closed with the test.
func start[T interface{ Close() error }](r *rig, open func() (T, error)) T {
	r.Helper()
	opened, err := open()
	r.must(err)
	r.Cleanup(func() { _ = opened.Close() })
	return opened
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// try runs a step as a worker does, arguments and result encoded.
func try[Out any](r *rig, step any, in ...any) (Out, error) {
	r.Helper()
	return tryWith[Out](r, context.Background(), step, in...)
}

// tryWith is try in a worker that is stopped by the context.
func tryWith[Out any](r *rig, ctx context.Context, step any, in ...any) (Out, error) {
	r.Helper()
	var out Out
	answer, err := environment(r, ctx).ExecuteActivity(step, in...)
	if err != nil {
		return out, err
	}
	if answer.HasValue() {
		r.must(answer.Get(&out))
	}
	return out, nil
}

func environment(r *rig, ctx context.Context) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.RegisterActivityWithOptions(r.steps, activity.RegisterOptions{SkipInvalidStructFunctions: true})
	return env
}

// do is try for steps that must succeed. A worker that was killed is followed by
// another, a little later.
func do[Out any](r *rig, step any, in ...any) Out {
	r.Helper()
	out, err := try[Out](r, step, in...)
	for err != nil && strings.Contains(err.Error(), errKilled.Error()) {
		r.clock.advance(time.Second)
		out, err = try[Out](r, step, in...)
	}
	r.must(err)
	return out
}

// target is a tag of the registry, as "app:1".
func (r *rig) target(repositoryAndTag string) image.Target {
	r.Helper()
	target, err := image.ParseTarget(r.registry.Reference(repositoryAndTag))
	r.must(err)
	return target
}

// push stores an image with those packages, each as "name version", and tells
// the analyzer what it will find.
func (r *rig) push(repositoryAndTag string, packages ...string) image.Digest {
	r.Helper()
	built, err := lab.NewImage(lab.Run("install", lab.Text("/packages", strings.Join(packages, "\n")+"\n")))
	r.must(err)
	hash, err := r.registry.Push(repositoryAndTag, built)
	r.must(err)
	digest := image.Digest(hash.String())
	r.analyzer.finds(digest, packages...)
	return digest
}

// endpoint adds one that receives those types at the receiver; none means all
// but the event log.
func (r *rig) endpoint(name string, types ...notification.Type) {
	r.Helper()
	r.must(r.store.SaveEndpoint(r.Context(), endpoint.Endpoint{Name: name, URL: r.receiver.URL() + "/" + name, Types: types}, r.clock.Now()))
}

// notified lists the notifications that are stored, as "type cause subject", the
// event log's as "event subject".
func (r *rig) notified() []string {
	r.Helper()
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{})
	r.must(err)
	var lines []string
	for _, n := range stored {
		line := fmt.Sprintf("%s %s %s", n.Type, n.Cause, n.Subject)
		if n.Type == notification.EventLog {
			line = eventName(r, n.Payload) + " " + n.Subject
		}
		lines = append(lines, strings.ReplaceAll(line, r.registry.Host()+"/", ""))
	}
	return lines
}

func eventName(r *rig, payload []byte) string {
	var logged struct {
		Event struct{ Type string }
	}
	r.must(json.Unmarshal(payload, &logged))
	return logged.Event.Type
}
