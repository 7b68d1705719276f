package operations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/workflows"
)

func (e *examination) temporal(ctx context.Context) {
	const subject = "Temporal"
	var server client.Server
	err := e.ask(ctx, "check Temporal", signalTimeout, func(ctx context.Context, c client.Client) (err error) {
		e.linked = &c
		server, err = c.Server(ctx)
		return err
	})
	switch {
	case err != nil:
		e.linked = nil
		e.Fail(subject, "no tag is checked without Temporal", "Temporal is not reachable")
		return
	case server.Missing:
		e.linked = nil
		e.Fail(subject, "create it (temporal operator namespace create --namespace "+client.Namespace()+"), or set TEMPORAL_NAMESPACE", "namespace %q does not exist", client.Namespace())
		return
	case server.Unreadable != nil:
		e.Warn(subject, "check the permissions of the credentials", "cannot read the namespace %q: %s", client.Namespace(), e.textOf(server.Unreadable))
	}
	e.OK(subject, "server %s, namespace %q", cmp.Or(server.Version, "of unknown version"), client.Namespace())
	e.attributes(ctx)
	e.stuck(ctx)
}

// stuck counts the workflows whose tasks fail: they stand still, and nothing else reports
// it.
func (e *examination) stuck(ctx context.Context) {
	const subject = "workflows"
	stuck, err := e.linked.StuckWorkflows(ctx)
	switch {
	case err != nil:
		e.Warn(subject, "this needs Temporal 1.30 or later with advanced visibility", "cannot count workflows with failing tasks: %s", e.textOf(err))
	case stuck.Count > 0:
		e.Fail(subject, "list them in the Web UI with the query "+client.StuckQuery+", and the workers' logs",
			"workflow tasks of %d workflows fail, for example %s", stuck.Count, stuck.Example)
	default:
		e.OK(subject, "no failing workflow tasks")
	}
}

func (e *examination) attributes(ctx context.Context) {
	const subject = "attributes"
	missing, err := e.linked.MissingAttributes(ctx)
	switch {
	case err != nil:
		e.Warn(subject, "check with Temporal's tools that the namespace has those listed in docs/operations.md", "cannot list the search attributes: %s", e.textOf(err))
	case len(missing) > 0:
		e.Fail(subject, "start a worker that is allowed to add them, or add them as described in docs/operations.md", "missing search attributes: %s", strings.Join(missing, ", "))
	default:
		e.OK(subject, "all %d search attributes exist", len(workflows.Attributes))
	}
}

// workers checks which workers poll the task queues, and in which version.
func (e *examination) workers(ctx context.Context) {
	const subject = "workers"
	if e.linked == nil {
		return // reported above
	}
	versions := map[string]bool{}
	for _, q := range client.AllServed {
		found, err := e.linked.Serving(ctx, q)
		switch {
		case err != nil:
			e.Warn(subject, "check the permissions of the credentials", "cannot read task queue %s: %s", q.Queue, e.textOf(err))
		case len(found.Versions) == 0:
			e.Fail(subject, "start one: tagwatch up, or tagwatch-worker --serve "+q.Role, "no worker serves %s (task queue %s)", q.Role, q.Queue)
		default:
			e.serves(q.Role, found)
		}
		for _, version := range found.Versions {
			versions[version] = true
		}
	}
	e.versions(slices.Sorted(maps.Keys(versions)))
}

// serves says how many serve a role, and whether any of them is of the version that gets the
// work: after an upgrade somebody has to make the new one current.
func (e *examination) serves(role string, found client.Serving) {
	const subject = "workers"
	if found.Builds[found.Current] {
		served := Check{CheckOK, subject, role + " is served by " + wording.Count(len(found.Versions), "worker"), ""}
		if !slices.Contains(e.Checks, served) { // by another of the role's queues
			e.Checks = append(e.Checks, served)
		}
		return
	}
	e.Fail(subject, makeCurrent(found), "no work reaches %s workers: the current version is %s, which no worker runs (%s of other versions)",
		role, buildText(found.Current), wording.Count(len(found.Versions), "worker"))
}

func buildText(b client.WorkerBuild) string {
	if b == (client.WorkerBuild{}) {
		return "that of workers without a deployment"
	}
	return b.ID + " of the deployment " + b.Deployment
}

// makeCurrent is the command that gives the work to those who ask for it.
func makeCurrent(found client.Serving) string {
	const command = "temporal worker deployment set-current-version --deployment-name "
	newest := slices.SortedFunc(maps.Keys(found.Builds), func(a, b client.WorkerBuild) int { return cmp.Compare(b.ID, a.ID) })[0]
	if newest == (client.WorkerBuild{}) {
		return command + found.Current.Deployment + " --unversioned, or start workers of that version"
	}
	return command + fmt.Sprintf("%s --build-id %s, or start workers of the current one", newest.Deployment, newest.ID)
}

func (e *examination) versions(found []string) {
	const subject = "versions"
	switch {
	case len(found) == 0:
	case len(found) > 1:
		e.Warn(subject, "normal during an upgrade; do not keep matching workers of two versions", "workers run versions %s", strings.Join(found, ", "))
	case e.own == "":
		e.OK(subject, "workers are %s", found[0])
	case found[0] != e.own:
		e.Warn(subject, "use the tagwatch command of the workers' version", "workers run version %s, this is %s", found[0], e.own)
	default:
		e.OK(subject, "workers and this program are %s", e.own)
	}
}

func (e *examination) workflows(ctx context.Context) {
	if e.linked == nil {
		return
	}
	for _, s := range schedules {
		e.schedule(ctx, s)
	}
	if e.stored == nil {
		return
	}
	tags, err := e.stored.Targets(ctx, subscription.TargetFilter{})
	e.compare(ctx, "tag", workflows.TypeWatchTag, len(tags), err)
	registries, err := e.stored.Registries(ctx)
	e.compare(ctx, "registry", workflows.TypeWatchRegistry, len(registries), err)
	repositories, err := e.stored.Repositories(ctx)
	e.compare(ctx, "repository", workflows.TypeWatchRepository, len(repositories), err)
	sources, err := e.stored.Sources(ctx)
	e.compare(ctx, "source", workflows.TypeFollowSource, len(sources), err)
	endpoints, err := e.stored.Endpoints(ctx)
	e.compare(ctx, "endpoint", workflows.TypeServeEndpoint, len(endpoints), err)
}

func (e *examination) compare(ctx context.Context, what, kind string, want int, err error) {
	const subject = "workflows"
	if e.unread(subject, err) {
		return
	}
	running, err := e.linked.CountRunning(ctx, kind)
	switch {
	case err != nil:
		e.Warn(subject, "check the Web UI", "cannot count %s workflows: %s", what, e.textOf(err))
	case running > int64(want):
		e.Warn(subject, "ended workflows stay listed for a moment; if this persists, check that this program uses the workers' database (--data-dir, --database-url), then run: tagwatch reconcile",
			"%s watched in this database, but %d running", wording.Count(want, what), running)
	case running < int64(want):
		e.Warn(subject, "new workflows appear after a moment; if this persists, run: tagwatch reconcile",
			"%s watched, but only %d running", wording.Count(want, what), running)
	default:
		e.OK(subject, "%s watched, %d running", wording.Count(want, what), running)
	}
}

// scheduled is a schedule that the workers make, and what is missed without it.
type scheduled struct{ id, does, missed string }

var schedules = []scheduled{
	{workflows.SyncFeedID, "new vulnerability data is fetched regularly", "no new vulnerability data is fetched"},
	{workflows.ReconcileID, "missing watchers are started regularly", "watchers that were lost are not started again"},
	{workflows.RenewAnalysesID, "images are analyzed again after an upgrade", "known images keep the analysis of an older version"},
	{workflows.SummarizeID, "what an upgrade changed is notified in summaries", "what an upgrade changed is not notified"},
	{workflows.PruneID, "old rows and documents are removed regularly", "the database grows"},
}

// schedule says whether a schedule exists, is not paused, and last ran well.
func (e *examination) schedule(ctx context.Context, s scheduled) {
	const subject = "schedule"
	state, err := e.linked.ScheduleState(ctx, s.id)
	next := ""
	if !state.Next.IsZero() {
		next = ", next " + e.ago(state.Next)
	}
	switch {
	case errors.Is(err, errkind.NotFound):
		e.Fail(subject, "start a worker, which creates it", "the schedule %s does not exist: %s", s.id, s.missed)
	case err != nil:
		e.Warn(subject, "check the Web UI", "cannot read the schedule %s: %s", s.id, e.textOf(err))
	case state.Paused:
		e.Warn(subject, "resume it in the Web UI, or: temporal schedule toggle --unpause --reason resumed --schedule-id "+s.id, "the schedule %s is paused: %s", s.id, s.missed)
	case state.Unread != nil:
		e.Warn(subject, "check the Web UI", "cannot read the result of the last run of %s: %s", s.id, e.textOf(state.Unread))
	case state.Failure != "":
		e.Warn(subject, "see the Web UI, or run: temporal workflow list --query 'TemporalScheduledById=\""+s.id+"\"'",
			"the last run of %s ended as %s %s%s: %s", s.id, state.Failure, e.ago(state.Ended), next, s.missed)
	default:
		e.OK(subject, "%s (%s%s)", s.does, e.lastRun(state), next)
	}
}

func (e *examination) lastRun(state client.ScheduleState) string {
	switch {
	case state.Started.IsZero():
		return "not run yet"
	case state.Running:
		return "running, began " + e.ago(state.Started)
	case state.Ended.IsZero():
		return "last run " + e.ago(state.Started)
	}
	return "last run " + e.ago(state.Ended)
}
