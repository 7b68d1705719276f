//go:build record

package workflows_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	reached "github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

func playWatchRegistry(t *testing.T, s *stage) client.WorkflowRun {
	soon := polled(4)
	soon.Wait = 0
	s.poll = func(round int) (polling.Poll, error) {
		switch round {
		case 1:
			return soon, nil // the timer brings the next round
		case 2, 3:
			return down("no route to host"), nil
		case 4:
			return polled(4), nil
		case 5:
			return polling.Poll{}, permanentError(errkind.Invalid, "a row cannot be read")
		}
		return polling.Poll{}, nil
	}
	wake := func() error { return s.client.WakeRegistry(background, registry, watcher.WakeSubscription) }
	must(t, wake())
	run := s.run(workflows.WatchRegistryID(registry))
	for rounds := 2; rounds <= 5; rounds++ {
		s.rests(t, run, rounds)
		must(t, wake())
	}
	s.ends(t, run)
	return run
}

func playWatchRepository(t *testing.T, s *stage) client.WorkflowRun {
	changed := listed()
	changed.New, changed.Removed = []string{"v2"}, []string{"v0"}
	changed.Endpoints, changed.Ended = []string{"chat"}, []image.Target{target}
	soon := listed()
	soon.List = time.Second
	s.list = listings(soon, changed, unlisted(errkind.Unavailable, 0))
	wake := func() error { return s.client.WakeRepository(background, repository, watcher.WakeSettings) }
	must(t, wake())
	run := s.run(workflows.WatchRepositoryID(repository))
	for checks := 2; checks <= 3; checks++ {
		s.rests(t, run, checks)
		must(t, wake())
	}
	s.ends(t, run)
	return run
}

func playFollowSource(t *testing.T, s *stage) client.WorkflowRun {
	changed := sourceListed()
	changed.Added, changed.Ended, changed.Renewed = []image.Target{target}, []image.Target{target}, []image.Target{target}
	soon := sourceListed()
	soon.List = time.Second
	s.source = sourceListings(soon, changed, sourceFails(condition.StageList))
	wake := func() error { return s.client.WakeSource(background, "shop", watcher.WakeSettings) }
	must(t, wake())
	run := s.run(workflows.FollowSourceID("shop"))
	for readings := 2; readings <= 3; readings++ {
		s.rests(t, run, readings)
		must(t, wake())
	}
	s.ends(t, run)
	return run
}

func playServeEndpoint(t *testing.T, s *stage) client.WorkflowRun {
	s.deliver = func(round int) (delivery.Round, error) {
		switch round {
		case 1:
			return delivery.Round{Active: true, Pending: 1, Retried: 1, Next: time.Now().Add(time.Second),
				State: delivery.EndpointState{FailingSince: time.Now(), LastAnswer: "HTTP 503", Failures: 1}}, nil
		case 2:
			return delivery.Round{Active: true, Delivered: 1, State: delivery.EndpointState{LastAnswer: "HTTP 204"}}, nil
		case 3:
			return delivery.Round{}, permanentError(errkind.Invalid, "a row cannot be read")
		}
		return gone()
	}
	wake := func() error { return s.client.WakeEndpoint(background, "chat", watcher.WakeDelivery) }
	must(t, wake())
	run := s.run(workflows.ServeEndpointID("chat"))
	for rounds := 2; rounds <= 3; rounds++ {
		s.rests(t, run, rounds)
		must(t, wake())
	}
	s.ends(t, run)
	return run
}

func playServeEndpointHandover(t *testing.T, s *stage) client.WorkflowRun {
	s.deliver = func(round int) (delivery.Round, error) {
		if round > 1 {
			return gone()
		}
		return delivery.Round{Active: true, Delivered: 1}, nil
	}
	must(t, s.client.WakeEndpoint(background, "pager", watcher.WakeDelivery))
	id := workflows.ServeEndpointID("pager")
	run := s.run(id)
	s.rests(t, run, 1)
	s.ageing.age(id)
	must(t, s.client.WakeEndpoint(background, "pager", watcher.WakeDelivery))
	s.ends(t, run)
	return run
}

func playSyncFeed(t *testing.T, s *stage) client.WorkflowRun {
	s.fetched = databuild.Fetched{Current: "sha256:current", Build: &vuln.Build{Checksum: "sha256:newer", Schema: "6.1.0"}}
	return s.ended(t)(s.client.SyncFeed(background, databuild.SyncRequest{}))
}

func playSyncFeedHeld(t *testing.T, s *stage) client.WorkflowRun {
	s.fetched = databuild.Fetched{Current: "sha256:current", Held: []string{"provider alpine is gone"}}
	return s.ended(t)(s.client.SyncFeed(background, databuild.SyncRequest{File: "/mirror/newer.tar.zst"}))
}

// playSyncFeedAgain: a move that another run overtakes.
func playSyncFeedAgain(t *testing.T, s *stage) client.WorkflowRun {
	s.fetched = databuild.Fetched{Current: "sha256:current", Build: &vuln.Build{Checksum: "sha256:current"}}
	s.superseded = 1
	return s.ended(t)(s.client.SyncFeed(background, databuild.SyncRequest{}))
}

// playSummarize: one tag is behind at first.
func playSummarize(t *testing.T, s *stage) client.WorkflowRun {
	s.behind = []int{1}
	return s.play(t, workflows.Summarize)
}

func playPrune(t *testing.T, s *stage) client.WorkflowRun { return s.play(t, workflows.Prune) }

func playRunTask(t *testing.T, s *stage) client.WorkflowRun {
	return s.play(t, workflows.RunTask, workflows.PruneID)
}

// playRunTaskJoins: a run of the task exists.
func playRunTaskJoins(t *testing.T, s *stage) client.WorkflowRun {
	begun, over := make(chan struct{}), make(chan struct{})
	s.fetch = func(databuild.SyncRequest) error { close(begun); <-over; return nil }
	options := client.StartWorkflowOptions{ID: workflows.SyncFeedID, TaskQueue: workflows.QueueMain}
	other, err := s.temporal.ExecuteWorkflow(background, options, workflows.SyncFeed, databuild.SyncRequest{})
	must(t, err)
	<-begun
	run := s.play(t, workflows.RunTask, workflows.SyncFeedID)
	close(over)
	must(t, other.Get(background, nil))
	return run
}

// ended is a run that was started, at its end.
func (s *stage) ended(t *testing.T) func(reached.Run, error) client.WorkflowRun {
	return func(run reached.Run, err error) client.WorkflowRun {
		must(t, err)
		must(t, s.client.Await(background, run, nil))
		return s.temporal.GetWorkflow(background, run.Workflow, run.ID)
	}
}

// play runs a workflow to its end.
func (s *stage) play(t *testing.T, workflow any, arguments ...any) client.WorkflowRun {
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflow, arguments...)
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

func playApplyPolicy(t *testing.T, s *stage) client.WorkflowRun {
	return s.ended(t)(s.client.ApplyPolicy(background, "production"))
}

func playApplyAcceptances(t *testing.T, s *stage) client.WorkflowRun {
	return s.ended(t)(s.client.ApplyAcceptances(background))
}

// playTakeTurns has a run asked for while another is under way.
func playTakeTurns(t *testing.T, s *stage) client.WorkflowRun {
	first, err := s.client.ApplyPolicy(background, "production")
	must(t, err)
	second, err := s.client.ApplyPolicy(background, "staging")
	must(t, err)
	run := s.run(workflows.TurnsID(workflows.ApplyPolicyID))
	for _, each := range []reached.Run{first, second} {
		must(t, s.client.Await(background, each, nil))
	}
	s.ends(t, run)
	return run
}

func playTestEndpoint(t *testing.T, s *stage) client.WorkflowRun {
	request := delivery.TestRequest{Endpoint: "chat", Type: notification.VulnUpdate}
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.TestEndpoint, request)
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

func playReconcile(t *testing.T, s *stage) client.WorkflowRun {
	run, err := s.client.Reconcile(background, watcher.ReconcileRequest{})
	must(t, err)
	must(t, s.client.Await(background, run, nil))
	return s.run(run.Workflow)
}

func playPlanRepository(t *testing.T, s *stage) client.WorkflowRun {
	asked := taglist.Repository{Name: repository, Filter: taglist.Filter{Versions: "~1.27", Newest: 3}}
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.PlanRepository, asked)
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

func playApplyConfiguration(t *testing.T, s *stage) client.WorkflowRun {
	s.configuration = func(attempt int) (declaration.Applied, error) {
		if attempt == 1 {
			return declaration.Applied{Problem: &condition.Problem{Kind: errkind.Name(errkind.Invalid), Message: "a.yaml:1: missing property 'owner'"}, Retry: time.Hour}, nil
		}
		return declaration.Applied{Changes: 3}, nil
	}
	wake := func() error { return s.client.WakeConfiguration(background) }
	must(t, wake())
	run := s.run(workflows.ApplyConfigurationID)
	s.rests(t, run, 1)
	must(t, wake())
	s.ends(t, run)
	return run
}

func playPlanSource(t *testing.T, s *stage) client.WorkflowRun {
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.PlanSource,
		source.Source{Name: "shop", Kind: source.File, Paths: []string{"/srv/images.txt"}})
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

func playCheckRegistry(t *testing.T, s *stage) client.WorkflowRun {
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.CheckRegistry, registry)
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

// playRenewAnalyses: one image that is renewed, one that is refused, one whose
// registry does not answer; then the run is handed over.
func playRenewAnalyses(t *testing.T, s *stage) client.WorkflowRun {
	const id = workflows.RenewAnalysesID
	s.renewal = func(r analysis.RenewalRequest) analysis.Renewal {
		next := outdatedImages("syft 2", first, second, first)(r)
		next.Pause = time.Second
		if r.After == 2 {
			next.Problem = &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Stage: condition.StageResolve, Message: "no route"}
			s.ageing.age(id)
		}
		return next
	}
	s.analyze = func(r analysis.Request) (analysis.Result, error) {
		if r.Digest == second {
			return analysis.Result{}, permanentError(errkind.Unauthorized, "denied")
		}
		return analysis.Result{Digest: r.Digest, Packages: 40, Files: 1200}, nil
	}
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.QueueMain},
		workflows.RenewAnalyses, workflows.RenewalState{})
	must(t, err)
	s.ends(t, run)
	return run
}
