package sources

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Labels by which Docker says what a container belongs to.
const (
	labelService        = "com.docker.swarm.service.name"
	labelStack          = "com.docker.stack.namespace"
	labelComposeProject = "com.docker.compose.project"
	labelComposeService = "com.docker.compose.service"
	labelComposeOneOff  = "com.docker.compose.oneoff"
)

// The kinds of an engine's workloads.
const (
	kindContainer = "container"
	kindService   = "service"
)

// workload is what the container belongs to: a service of a Swarm or of a Compose
// project, or itself.
func (c engineContainer) workload(name string) source.Workload {
	switch {
	case c.Labels[labelService] != "":
		return source.Workload{Kind: kindService, Namespace: c.Labels[labelStack], Name: c.Labels[labelService]}
	case c.Labels[labelComposeService] != "" && c.Labels[labelComposeOneOff] != "True":
		return source.Workload{Kind: kindService, Namespace: c.Labels[labelComposeProject], Name: c.Labels[labelComposeService]}
	}
	return source.Workload{Kind: kindContainer, Name: name}
}

// digest is that of the image that the container runs: the one by which it was pulled
// from the repository, unless there are several; otherwise its identifier.
func (c engineContainer) digest(runs engineImage, repository image.Repository) image.Digest {
	if digest := c.ImageManifestDescriptor.Digest; digest != "" {
		return parsedDigest(string(digest))
	}
	var found []image.Digest
	for _, text := range runs.RepoDigests {
		_, digest, _ := strings.Cut(text, "@")
		if runs.named(text, repository) {
			found = append(found, parsedDigest(digest))
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return parsedDigest(c.ImageID)
}

// parsedDigest is a digest; empty for a text that is none.
func parsedDigest(text string) image.Digest {
	digest, err := image.ParseDigest(text)
	if err != nil {
		return ""
	}
	return digest
}

type engineTask struct {
	ServiceID string
	Spec      struct{ ContainerSpec struct{ Image string } }
	Status    struct{ State string }
}

// tasks are the services of a Swarm with what their tasks run, on all of its nodes.
func (e *engine) tasks(ctx context.Context, services []engineService) ([]source.Found, error) {
	if len(services) == 0 {
		return nil, nil
	}
	var tasks []engineTask
	if err := e.get(ctx, "/tasks?filters="+url.QueryEscape(`{"desired-state":["running"]}`), &tasks); err != nil {
		return nil, err
	}
	var all []source.Found
	for _, each := range services {
		all = append(all, e.service(each, tasks)...)
	}
	return all, nil
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
	workload := source.Workload{Kind: kindService, Namespace: s.Spec.Labels[labelStack], Name: s.Spec.Name}
	found := source.Refer(s.Spec.TaskTemplate.ContainerSpec.Image, place, e.platform)
	found.Workloads = []source.Workload{workload}
	all := []source.Found{found.With(labels)}
	for _, task := range tasks {
		if task.ServiceID != s.ID || task.Status.State != "running" {
			continue
		}
		runs := source.Refer(task.Spec.ContainerSpec.Image, place, e.platform)
		workload.Running = []source.Running{{Digest: runs.Pin, Count: 1}}
		if runs.Target == found.Target {
			all[0].Workloads = source.Merge(all[0].Workloads, []source.Workload{workload})
			continue
		}
		runs.Workloads = []source.Workload{workload}
		all = append(all, runs.With(labels))
	}
	return all
}
