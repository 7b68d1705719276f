package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/workflows"
)

func (i *installation) temporal() sdk.Client {
	i.t.Helper()
	connected := made(sdk.Dial(sdk.Options{HostPort: i.Temporal(), Logger: quiet{}}))(i.t)
	i.t.Cleanup(connected.Close)
	return connected
}

func (i *installation) database() *store.Store {
	i.t.Helper()
	opened := made(store.Open(i.t.Context(), "sqlite://"+i.DataDir()+"/tagwatch.db"))(i.t)
	i.t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// TestDeliveriesDuringASetUp: while some hundred watchers are being set up, the
// registry is polled and people are answered, and each notification arrives. How soon
// depends on the machine: it is printed.
func TestDeliveriesDuringASetUp(t *testing.T) {
	t.Parallel()
	const tags = 600
	i := install(t, "TAGWATCH_REGISTRY_RATE=5000")
	temporal, kept := i.temporal(), i.database()
	i.push("shop/many:000", lab.Debian(lab.Bookworm()...))
	for n := 1; n < tags; n++ {
		must(t, i.registry.Tag("shop/many:000", fmt.Sprintf("%03d", n)))
	}
	single := i.push("shop/one:1", lab.Debian(lab.Bookworm()...))
	i.do("repository", "watch", i.registry.Host()+"/shop/many", "--interval", "30s")
	most, polled, answered := 0, false, time.Duration(0)
	i.eventually("the last watcher has begun", func() bool {
		described := made(temporal.WorkflowService().DescribeTaskQueue(t.Context(), &workflowservice.DescribeTaskQueueRequest{Namespace: "default",
			TaskQueue: &taskqueue.TaskQueue{Name: workflows.QueueTags}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW, ReportStats: true}))(t)
		most = max(most, int(described.GetStats().GetApproximateBacklogCount()))
		begun := len(made(kept.Targets(t.Context(), subscription.TargetFilter{}))(t))
		waiting := len(made(kept.Targets(t.Context(), subscription.TargetFilter{Unstarted: true}))(t))
		if answered == 0 && begun >= tags && waiting > 0 {
			asked := time.Now()
			i.do("subscribe", single)
			answered = time.Since(asked)
		}
		for _, known := range made(kept.Summaries(t.Context(), subscription.TargetFilter{Limit: tags}))(t) {
			polled = polled || waiting > 0 && known.Resynced.IsZero() && !known.Checked.IsZero()
		}
		return begun >= tags && waiting == 0
	})
	i.notified(tags)
	delays, during := i.firstAttempts(kept)
	t.Logf("%d notifications, first attempt after p50 %s, p99 %s, at most %s; %d attempts before the last notification was made; at most %d steps waited; a subscription meanwhile took %s; polled meanwhile: %v",
		len(delays), delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1], during, most, answered, polled)
	i.latencies(temporal, workflows.ServeEndpointID("receiver"))
	i.latencies(temporal, workflows.WatchRegistryID(i.registry.Host()))
	if !polled || answered == 0 {
		t.Errorf("polled during the set-up: %v; a subscription answered: %v", polled, answered > 0)
	}
}

// firstAttempts are the times from each notification to its first attempt, sorted,
// and how many of these were made before the last notification.
func (i *installation) firstAttempts(kept *store.Store) (delays []time.Duration, during int) {
	i.t.Helper()
	found := made(kept.Deliveries(i.t.Context(), store.DeliveryFilter{Limit: 100_000}))(i.t)
	var attempts []delivery.Attempt
	last := time.Time{}
	for _, d := range found {
		if d.Created.After(last) {
			last = d.Created
		}
		made := made(kept.Attempts(i.t.Context(), d.ID))(i.t)
		if len(made) > 0 {
			attempts = append(attempts, made[0])
			delays = append(delays, made[0].At.Sub(d.Created))
		}
	}
	for _, a := range attempts {
		if a.At.Before(last) {
			during++
		}
	}
	slices.Sort(delays)
	return delays, during
}

// TestPausedSchedulesStayPaused: a worker that starts has the schedules run, but not
// those that somebody paused; the doctor names them.
func TestPausedSchedulesStayPaused(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_RECONCILE_INTERVAL=24h", "TAGWATCH_FEED_INTERVAL=24h")
	temporal := i.temporal()
	runs := func(id string) int {
		return made(temporal.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context()))(t).Info.NumActions
	}
	i.eventually("the doctor knows of a run of each schedule", func() bool {
		ok := 0
		for _, check := range i.examine(0).Checks {
			if check.Subject == "schedule" && check.Result == "ok" && strings.Contains(check.Message, "last run") {
				ok++
			}
		}
		return ok == len(workflows.Tasks)
	})
	must(t, temporal.ScheduleClient().GetHandle(t.Context(), workflows.SyncFeedID).Pause(t.Context(), sdk.SchedulePauseOptions{Note: "by the test"}))
	last := workflows.Tasks[len(workflows.Tasks)-1].ID
	feed, others := runs(workflows.SyncFeedID), runs(last)
	must(t, i.Kill("tagwatch-worker"))
	i.eventually("the next worker has had the last of the schedules run", func() bool { return runs(last) > others })
	if got := runs(workflows.SyncFeedID); got != feed {
		t.Errorf("the paused schedule ran %d times more", got-feed)
	}
	for _, task := range workflows.Tasks[1:] {
		must(t, temporal.ScheduleClient().GetHandle(t.Context(), task.ID).Pause(t.Context(), sdk.SchedulePauseOptions{}))
	}
	for _, task := range workflows.Tasks {
		if !i.warns("schedule", task.ID+" is paused", "--unpause") {
			t.Errorf("the doctor does not say that %s is paused", task.ID)
		}
	}
}

// TestSearchAttributesComeBack: attributes that the namespace lost and has again are
// set again, those that say what is watched and those that say what came of it.
func TestSearchAttributesComeBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	temporal := i.temporal()
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", reference, "--wait")
	query := fmt.Sprintf(`TagwatchTag = %q AND TagwatchRegistry = %q AND TagwatchPolicy = "pass" AND TagwatchCritical = 0 AND ExecutionStatus = "Running"`,
		reference, i.registry.Host())
	found := func() bool {
		counted, err := temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: "default", Query: query})
		return err == nil && counted.GetCount() == 1
	}
	i.eventually("the tag is found by its attributes", found)
	lost := []string{"TagwatchTag", "TagwatchRegistry", "TagwatchPolicy", "TagwatchCritical"}
	made(temporal.OperatorService().RemoveSearchAttributes(t.Context(), &operatorservice.RemoveSearchAttributesRequest{Namespace: "default", SearchAttributes: lost}))(t)
	i.eventually("the attributes are gone", func() bool { return !found() })
	i.eventually("reconcile restores them with their values", func() bool {
		i.reconcile()
		return found()
	})
	if r := i.reconcile("--dry-run"); !r.InOrder {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestTheCheckThatPeopleMean: status says when the registry was last asked for a tag,
// when it is next and how often, not when everything about it is checked.
func TestTheCheckThatPeopleMean(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_POLL=2m")
	often, ordinary := i.push("shop/api:1", lab.Debian(lab.Bookworm()...)), i.push("shop/web:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", often, "--interval", "30s", "--label", "team=web", "--wait")
	i.do("subscribe", ordinary, "--wait")
	type known struct {
		Target, Interval  string
		Checked, Resynced time.Time
		NextCheck         time.Time `json:"next_check"`
		Labels            map[string]string
		Live              struct {
			NextResync time.Time `json:"next_resync"`
		}
	}
	read := func(reference string) (k known) {
		must(t, json.Unmarshal([]byte(i.do("status", reference, "-o", "json")), &k))
		return k
	}
	first := read(often)
	i.eventually("polled without a resync", func() bool {
		now := read(often)
		return now.Checked.After(first.Checked) && now.Resynced.Equal(first.Resynced)
	})
	for reference, want := range map[string]time.Duration{often: 30 * time.Second, ordinary: 2 * time.Minute} {
		i.eventually(reference+" is checked at its interval", func() bool { return read(reference).Interval == polling.IntervalText(want) })
		k := read(reference)
		if until := k.NextCheck.Sub(k.Checked); until <= 0 || until > 2*want || k.Live.NextResync.Sub(k.Checked) < 10*time.Minute {
			t.Errorf("%+v: want a check every %s, and a resync within the hour", k, want)
		}
		text := i.do("status", reference)
		for _, line := range []string{"Last check", "Next check", ", every " + polling.IntervalText(want), "Last resync", "Next resync"} {
			if !strings.Contains(text, line) {
				t.Errorf("status lacks %q:\n%s", line, text)
			}
		}
	}
	if got := read(often).Labels["team"]; got != "web" || !strings.Contains(i.do("subscriptions"), "team=web") || !strings.Contains(i.do("status", often), "team=web") {
		t.Errorf("the label is not shown: %q", got)
	}
}

// latencies logs how long the steps of a workflow waited for a worker and took.
func (i *installation) latencies(temporal sdk.Client, id string) {
	i.t.Helper()
	at := map[int64]time.Time{}
	waited := map[string][]time.Duration{}
	note := func(what string, since int64, now time.Time) { waited[what] = append(waited[what], now.Sub(at[since])) }
	events := temporal.GetWorkflowHistory(i.t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e := made(events.Next())(i.t)
		now := e.GetEventTime().AsTime()
		at[e.GetEventId()] = now
		switch e.GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			note("workflow task waits", e.GetWorkflowTaskStartedEventAttributes().GetScheduledEventId(), now)
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			note("workflow task takes", e.GetWorkflowTaskCompletedEventAttributes().GetStartedEventId(), now)
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			if a := e.GetActivityTaskStartedEventAttributes(); a.GetAttempt() > 1 || now.Sub(at[a.GetScheduledEventId()]) > time.Second {
				i.t.Logf("%s: attempt %d started after %s: %v", id, a.GetAttempt(), now.Sub(at[a.GetScheduledEventId()]), a.GetLastFailure())
			}
			note("activity waits", e.GetActivityTaskStartedEventAttributes().GetScheduledEventId(), now)
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			note("activity takes", e.GetActivityTaskCompletedEventAttributes().GetStartedEventId(), now)
		}
	}
	for what, all := range waited {
		slices.Sort(all)
		i.t.Logf("%s: %s p50 %s, at most %s (%d)", id, what, all[len(all)/2], all[len(all)-1], len(all))
	}
}

// TestWaitingWatchersAreCounted: who wakes many watchers learns from Temporal how
// many wait, and waits too.
func TestWaitingWatchersAreCounted(t *testing.T) {
	t.Parallel()
	server := exec.CommandContext(t.Context(), filepath.Join(bin(t), "tagwatch-temporal"), "--in-memory", "--port", "0", "--ui-port", "0")
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	out := made(server.StdoutPipe())(t)
	must(t, server.Start())
	t.Cleanup(func() { _ = server.Wait() })
	var ready struct{ Address string }
	must(t, json.NewDecoder(out).Decode(&ready))
	temporal := made(sdk.Dial(sdk.Options{HostPort: ready.Address, Logger: quiet{}}))(t)
	t.Cleanup(temporal.Close)
	watchers := client.Client{Temporal: temporal}
	repository := made(image.ParseRepository("registry.example.com/shop/api"))(t)
	names := map[string]enums.IndexedValueType{}
	for _, key := range workflows.Attributes {
		names[key.GetName()] = key.GetValueType()
	}
	_, _ = temporal.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{Namespace: "default", SearchAttributes: names})
	must(t, watchers.Room(t.Context()))
	const woken = 250
	for n := range woken {
		must(t, watchers.WakeTag(t.Context(), image.Target{Reference: repository.Reference(fmt.Sprint(n))}, watcher.WakeManual))
	}
	for made(watchers.Waiting(t.Context()))(t) != woken {
		<-time.After(100 * time.Millisecond)
	}
	full, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := watchers.Room(full); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is room although %d wait: %v", woken, err)
	}
}
