package workflows_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/workflows"
)

const (
	waitingImages = 1000 // of one repository
	lateImages    = 10   // each of a repository of its own
)

// BenchmarkThousandNewImages has a thousand new images of one repository wait on a
// real server for a worker with one slot, then images of other repositories, then
// known images to be checked again. It reports in which place, of all, the last
// of the late subscriptions was analyzed, and the first of the known images; the
// late ones must not wait for the thousand, and the known ones must.
func BenchmarkThousandNewImages(b *testing.B) {
	temporal, err := sdk.Dial(sdk.Options{HostPort: serverOf(b), Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(temporal.Close)
	for b.Loop() {
		q := &queueBench{b: b, temporal: temporal, asks: client.Client{Temporal: temporal}}
		stop := q.serve(workflows.QueueMain, &fake{now: time.Now})
		q.ask("again", lateImages, analysis.NotUrgent)
		q.ask("many", waitingImages, analysis.UrgentFirst)
		q.waiting(waitingImages + lateImages)
		for i := range lateImages {
			q.ask(fmt.Sprintf("late/%d", i), 1, analysis.UrgentFirst)
		}
		q.waiting(waitingImages + 2*lateImages)
		late, known := q.places()
		stop()
		b.ReportMetric(float64(late), "place-of-last-late")
		b.ReportMetric(float64(known), "place-of-first-known")
		if late > 10*lateImages || known <= waitingImages {
			b.Errorf("the late ones were done in place %d of %d, the first known image in place %d", late, waitingImages+2*lateImages, known)
		}
	}
}

type queueBench struct {
	b        *testing.B
	temporal sdk.Client
	asks     client.Client
	images   int
}

func (q *queueBench) ask(path string, images int, urgency analysis.Urgency) {
	q.b.Helper()
	for range images {
		q.images++
		request := analysis.Request{Digest: image.Digest(fmt.Sprintf("sha256:%064x", q.images)), Urgency: urgency, Watcher: "nobody",
			Target: image.Target{Reference: image.Reference{Repository: image.Repository{Registry: "registry.example.com", Path: path}, Tag: "1"}}}
		if err := q.asks.RequestAnalysis(q.b.Context(), request); err != nil {
			q.b.Fatal(err)
		}
	}
}

// serve has a worker take from a queue, one activity at a time.
func (q *queueBench) serve(queue string, steps *fake) (stop func()) {
	q.b.Helper()
	w := worker.New(q.temporal, queue, worker.Options{MaxConcurrentActivityExecutionSize: 1, MaxConcurrentActivityTaskPollers: 1})
	for name, definition := range workflows.Definitions {
		w.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivity(steps)
	if err := w.Start(); err != nil {
		q.b.Fatal(err)
	}
	return w.Stop
}

// waiting waits until so many analyses wait for a worker.
func (q *queueBench) waiting(analyses int) {
	q.b.Helper()
	for range time.Tick(200 * time.Millisecond) {
		described, err := q.temporal.DescribeTaskQueueEnhanced(q.b.Context(), sdk.DescribeTaskQueueEnhancedOptions{
			TaskQueue: workflows.QueueAnalysis, TaskQueueTypes: []sdk.TaskQueueType{sdk.TaskQueueTypeActivity}, ReportStats: true})
		if err != nil {
			q.b.Fatal(err)
		}
		var backlog int64
		//lint:ignore SA1019 the library has the backlog in no other field
		for _, version := range described.VersionsInfo {
			for _, info := range version.TypesInfo {
				backlog += info.Stats.ApproximateBacklogCount
			}
		}
		if backlog >= int64(analyses) {
			return
		}
	}
}

// places works all analyses off and returns the places of the last late and the
// first known image.
func (q *queueBench) places() (late, known int) {
	q.b.Helper()
	var mu sync.Mutex
	place, done := 0, make(chan struct{})
	stop := q.serve(workflows.QueueAnalysis, &fake{now: time.Now, analyze: func(asked analysis.Request) (analysis.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		place++
		switch path := asked.Target.Reference.Repository.Path; {
		case path == "again" && known == 0:
			known = place
		case path != "again" && path != "many":
			late = place
		}
		if place == q.images {
			close(done)
		}
		return analysis.Result{Digest: asked.Digest}, nil
	}})
	<-done
	stop()
	return late, known
}
