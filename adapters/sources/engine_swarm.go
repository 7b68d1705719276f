package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
)

type engineService struct {
	ID   string
	Spec struct {
		Name         string
		Labels       map[string]string
		TaskTemplate struct {
			ContainerSpec struct {
				Image  string
				Labels map[string]string
			}
		}
	}
}

// managed are the services of a Swarm, if the engine manages one.
func (e *engine) managed(ctx context.Context) (services []engineService, err error) {
	err = e.get(ctx, "/services", &services)
	if status, is := errors.AsType[*engineStatus](err); is && status.code == http.StatusServiceUnavailable {
		return nil, e.managesNone(ctx, status)
	}
	return services, err
}

// managesNone accepts that an engine refuses to list services because it manages no Swarm.
// A manager refuses too while it starts, is locked, or has certificates that have expired:
// its services run on.
func (e *engine) managesNone(ctx context.Context, refused *engineStatus) error {
	var info struct {
		Swarm struct {
			LocalNodeState   string
			ControlAvailable bool
		}
	}
	err := e.get(ctx, "/info", &info)
	if status, is := errors.AsType[*engineStatus](err); is && (status.kind == errkind.Unauthorized || status.code == http.StatusNotFound) {
		// A proxy does not let it through. Which refusal it is remains in its words.
		for _, trouble := range []string{"encrypted", "expired", "being prepared"} {
			if strings.Contains(refused.message, trouble) {
				return refused
			}
		}
		return nil
	}
	if state := info.Swarm.LocalNodeState; err == nil && (info.Swarm.ControlAvailable || state != "" && state != "inactive" && state != "active") {
		return fmt.Errorf("its Swarm is %s: %w", state, refused)
	}
	return err
}

type engineTask struct {
	ID        string
	ServiceID string
	Spec      struct{ ContainerSpec struct{ Image string } }
	Status    struct{ State string }
}

// running reports whether the task has started and has not ended yet.
func (t engineTask) running() bool { return t.Status.State == "running" }

// managedTasks are the services of a Swarm with what their tasks run, on all of its nodes; and
// whether some are about to start. Of those on other nodes there are no events.
func (e *engine) managedTasks(ctx context.Context, services []engineService) (all []source.Found, starting bool, err error) {
	if len(services) == 0 {
		return nil, false, nil
	}
	var tasks []engineTask
	if err := e.get(ctx, "/tasks?filters="+url.QueryEscape(`{"desired-state":["running"]}`), &tasks); err != nil {
		return nil, false, err
	}
	for _, each := range services {
		all = append(all, e.service(each, tasks)...)
	}
	for _, task := range tasks {
		starting = starting || !task.running()
	}
	return all, starting, nil
}

// service is what a service is made from, and what those of its tasks are made from
// that are still of an earlier image.
func (e *engine) service(s engineService, tasks []engineTask) []source.Found {
	labels := maps.Clone(s.Spec.TaskTemplate.ContainerSpec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, s.Spec.Labels)
	place := "service " + s.Spec.Name
	workload := source.Workload{Kind: kindService, Namespace: s.Spec.Labels[labelStack], Name: s.Spec.Name, Origin: s.ID}
	platform := cmp.Or(e.platform, e.services[s.Spec.Name])
	found := source.Refer(s.Spec.TaskTemplate.ContainerSpec.Image, place, platform)
	found.Workloads = []source.Workload{workload}
	all := []source.Found{found.With(labels)}
	for _, task := range tasks {
		if task.ServiceID != s.ID || !task.running() {
			continue
		}
		runs := source.Refer(task.Spec.ContainerSpec.Image, place, platform)
		digest := runs.Pin
		if digest == "" { // whoever made the service did not ask the registry for one
			digest = e.tasks[task.ID].digest(runs.Target.Reference.Repository)
		}
		workload.Running = []source.Running{{Digest: digest, Count: 1}}
		if runs.Target == found.Target {
			all[0].Workloads = source.Merge(all[0].Workloads, []source.Workload{workload})
			continue
		}
		runs.Workloads = []source.Workload{workload}
		all = append(all, runs.With(labels))
	}
	return all
}
