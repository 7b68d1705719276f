package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

func (e *examination) temporalServer(ctx context.Context) {
	const subject = "Temporal"
	linked, err := e.Temporal(ctx)
	if err != nil {
		e.fail(subject, "no tag is checked without Temporal", "%s", exit.Sentence(err))
		return
	}
	service := linked.Client.Temporal.WorkflowService()
	if _, err := service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: client.Namespace()}); err != nil {
		if exit.Is[*serviceerror.NamespaceNotFound](err) {
			e.fail(subject, "create it (temporal operator namespace create --namespace "+client.Namespace()+"), or set TEMPORAL_NAMESPACE", "namespace %q does not exist", client.Namespace())
			return
		}
		e.warn(subject, "check the permissions of the credentials", "cannot read the namespace %q: %s", client.Namespace(), err)
	}
	version := "of unknown version"
	if info, err := service.GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{}); err == nil && info.GetServerVersion() != "" {
		version = info.GetServerVersion()
	}
	e.ok(subject, "server %s at %s, namespace %q", version, linked.Address, client.Namespace())
	e.attributes(ctx, linked)
	e.workflowTasks(ctx, linked)
}

// workflowTasks counts the workflows whose tasks fail: they stand still, and nothing else
// reports it.
func (e *examination) workflowTasks(ctx context.Context, linked *session.Link) {
	const subject = "workflows"
	stuck, err := linked.Client.StuckWorkflows(ctx)
	switch {
	case err != nil:
		e.warn(subject, "this needs Temporal 1.30 or later with advanced visibility", "cannot count workflows with failing tasks: %s", exit.Sentence(err))
	case stuck.Count > 0:
		e.fail(subject, "list them in the Web UI with the query "+client.StuckQuery+", and the workers' logs",
			"workflow tasks of %d workflows fail, for example %s", stuck.Count, stuck.Example)
	default:
		e.ok(subject, "no failing workflow tasks")
	}
}

func (e *examination) attributes(ctx context.Context, linked *session.Link) {
	const subject = "attributes"
	known, err := linked.Client.Temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: client.Namespace()})
	if err != nil {
		e.warn(subject, "check with Temporal's tools that the namespace has those listed in docs/operations.md", "cannot list the search attributes: %s", err)
		return
	}
	var missing []string
	for _, key := range workflows.Attributes {
		if _, found := known.GetCustomAttributes()[key.GetName()]; !found {
			missing = append(missing, key.GetName())
		}
	}
	if len(missing) > 0 {
		e.fail(subject, "start a worker that is allowed to add them, or add them as described in docs/operations.md", "missing search attributes: %s", strings.Join(missing, ", "))
		return
	}
	e.ok(subject, "all %d search attributes exist", len(workflows.Attributes))
}

// served are the task queues with the role that serves each.
var served = []struct {
	role, queue string
	kind        enums.TaskQueueType
}{
	{"watching", workflows.QueueMain, enums.TASK_QUEUE_TYPE_WORKFLOW},
	{"watching", workflows.QueueTags, enums.TASK_QUEUE_TYPE_WORKFLOW},
	{"watching", workflows.QueueBulk, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"analysis", workflows.QueueAnalysis, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"matching", workflows.QueueMatching, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"delivery", workflows.QueueDelivery, enums.TASK_QUEUE_TYPE_ACTIVITY},
}

// workers checks which workers poll the task queues, and in which version.
func (e *examination) workers(ctx context.Context) {
	const subject = "workers"
	if e.Linked == nil {
		return // reported above
	}
	versions := map[string]bool{}
	for _, q := range served {
		found, err := e.pollers(ctx, q.queue, q.kind)
		switch {
		case err != nil:
			e.warn(subject, "check the permissions of the credentials", "cannot read task queue %s: %s", q.queue, err)
		case len(found.identities) == 0:
			e.fail(subject, "start one: tagwatch up, or tagwatch-worker --serve "+q.role, "no worker serves %s (task queue %s)", q.role, q.queue)
		default:
			e.serves(q.role, found)
		}
		for identity := range found.identities {
			versions[versionOf(identity)] = true
		}
	}
	e.versions(slices.Sorted(maps.Keys(versions)))
}

// versionOf reads the version from a worker's identity, which ends in it.
func versionOf(identity string) string {
	_, version, found := strings.Cut(identity, " ")
	if !found {
		return "unknown"
	}
	return version
}

func (e *examination) versions(found []string) {
	const subject = "versions"
	switch {
	case len(found) == 0:
	case len(found) > 1:
		e.warn(subject, "normal during an upgrade; do not keep matching workers of two versions", "workers run versions %s", strings.Join(found, ", "))
	case found[0] != e.App.Version:
		e.warn(subject, "use the tagwatch command of the workers' version", "workers run version %s, this is %s", found[0], e.App.Version)
	default:
		e.ok(subject, "workers and this program are %s", e.App.Version)
	}
}

func (e *examination) workflows(ctx context.Context) {
	if e.Linked == nil {
		return
	}
	for _, s := range schedules {
		e.schedule(ctx, s)
	}
	if e.Stored == nil {
		return
	}
	tags, err := e.Stored.Targets(ctx, subscription.TargetFilter{})
	e.compare(ctx, "tag", workflows.TypeWatchTag, len(tags), err)
	registries, err := e.Stored.Registries(ctx)
	e.compare(ctx, "registry", workflows.TypeWatchRegistry, len(registries), err)
	repositories, err := e.Stored.Repositories(ctx)
	e.compare(ctx, "repository", workflows.TypeWatchRepository, len(repositories), err)
	sources, err := e.Stored.Sources(ctx)
	e.compare(ctx, "source", workflows.TypeFollowSource, len(sources), err)
	endpoints, err := e.Stored.Endpoints(ctx)
	e.compare(ctx, "endpoint", workflows.TypeServeEndpoint, len(endpoints), err)
}

func (e *examination) compare(ctx context.Context, what, kind string, want int, err error) {
	const subject = "workflows"
	var counted *workflowservice.CountWorkflowExecutionsResponse
	if err == nil {
		counted, err = e.Linked.Client.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: client.Namespace(), Query: fmt.Sprintf(`WorkflowType = %q AND ExecutionStatus = "Running"`, kind)})
	}
	switch running := counted.GetCount(); {
	case err != nil:
		e.warn(subject, "check the Web UI", "cannot count %s workflows: %s", what, err)
	case running > int64(want):
		e.warn(subject, "ended workflows stay listed for a moment; if this persists, check that this program uses the workers' database (--data-dir, --database-url), then run: tagwatch reconcile",
			"%s watched in this database, but %d running", wording.Count(want, what), running)
	case running < int64(want):
		e.warn(subject, "new workflows appear after a moment; if this persists, run: tagwatch reconcile",
			"%s watched, but only %d running", wording.Count(want, what), running)
	default:
		e.ok(subject, "%s watched, %d running", wording.Count(want, what), running)
	}
}
