package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"

	"github.com/tagwatch/tagwatch/domain/wording"
)

// pollerFresh is how long ago a worker may have asked for work and still count:
// it asks anew each minute at least.
const pollerFresh = 2 * time.Minute

// build is a version of a Worker Deployment; the empty one is that of all workers
// without a deployment.
type build struct{ deployment, id string }

func (b build) String() string {
	if b == (build{}) {
		return "that of workers without a deployment"
	}
	return b.id + " of the deployment " + b.deployment
}

// asking is who asks for work in a task queue, and which version gets it.
type asking struct {
	identities map[string]bool
	builds     map[build]bool
	current    build
}

// pollers are the workers that ask for work.
func (e *examination) pollers(ctx context.Context, queue string, kind enums.TaskQueueType) (asking, error) {
	found := asking{identities: map[string]bool{}, builds: map[build]bool{}}
	described, err := e.Linked.Client.Temporal.DescribeTaskQueue(ctx, queue, kind)
	if err != nil {
		return found, err
	}
	current := described.GetVersioningInfo().GetCurrentDeploymentVersion()
	found.current = build{current.GetDeploymentName(), current.GetBuildId()}
	for _, poller := range described.GetPollers() {
		if time.Since(poller.GetLastAccessTime().AsTime()) < pollerFresh {
			found.identities[poller.GetIdentity()] = true
			found.builds[buildOf(poller)] = true
		}
	}
	return found, nil
}

func buildOf(poller *taskqueue.PollerInfo) build {
	options := poller.GetDeploymentOptions()
	if options.GetWorkerVersioningMode() != enums.WORKER_VERSIONING_MODE_VERSIONED {
		return build{}
	}
	return build{options.GetDeploymentName(), options.GetBuildId()}
}

// serves says how many serve a role, and whether any of them is of the version
// that gets the work: after an upgrade somebody has to make the new one current.
func (e *examination) serves(role string, found asking) {
	const subject = "workers"
	if found.builds[found.current] {
		served := finding{resultOK, subject, role + " is served by " + wording.Count(len(found.identities), "worker"), ""}
		if !slices.Contains(e.found, served) { // by another of the role's queues
			e.found = append(e.found, served)
		}
		return
	}
	e.fail(subject, found.remedy(), "no work reaches %s workers: the current version is %s, which no worker runs (%s of other versions)",
		role, found.current, wording.Count(len(found.identities), "worker"))
}

// remedy is the command that gives the work to those who ask for it.
func (a asking) remedy() string {
	const command = "temporal worker deployment set-current-version --deployment-name "
	newest := slices.SortedFunc(maps.Keys(a.builds), func(a, b build) int { return cmp.Compare(b.id, a.id) })[0]
	if newest == (build{}) {
		return command + a.current.deployment + " --unversioned, or start workers of that version"
	}
	return command + fmt.Sprintf("%s --build-id %s, or start workers of the current one", newest.deployment, newest.id)
}
