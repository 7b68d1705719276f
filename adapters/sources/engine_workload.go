package sources

import (
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Labels by which Docker says what a container belongs to.
const (
	labelService        = "com.docker.swarm.service.name"
	labelTask           = "com.docker.swarm.task.id"
	labelServiceID      = "com.docker.swarm.service.id"
	labelNodeID         = "com.docker.swarm.node.id"
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
		w := source.Workload{Kind: kindService, Namespace: c.Labels[labelStack], Name: c.Labels[labelService]}
		if c.Labels[labelServiceID] != "" && c.Labels[labelNodeID] != "" {
			w.Origin = c.Labels[labelServiceID] + "@" + c.Labels[labelNodeID]
		}
		return w
	case c.Labels[labelComposeService] != "" && c.Labels[labelComposeOneOff] != "True":
		return source.Workload{Kind: kindService, Namespace: c.Labels[labelComposeProject], Name: c.Labels[labelComposeService], Origin: c.ID}
	}
	return source.Workload{Kind: kindContainer, Name: name, Origin: c.ID}
}

// isID reports whether a text is the identifier of the container's image or its beginning,
// by which containers can be created too.
func (c engineContainer) isID(text string) bool {
	text = strings.TrimPrefix(text, "sha256:")
	return text != "" && strings.HasPrefix(strings.TrimPrefix(c.ImageID, "sha256:"), text)
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

// engineRun is a container with its image.
type engineRun struct {
	container engineContainer
	image     engineImage
}

// digest is that of the image that the container runs; empty for no container.
func (r engineRun) digest(repository image.Repository) image.Digest {
	return r.container.digest(r.image, repository)
}

// parsedDigest is a digest; empty for a text that is none.
func parsedDigest(text string) image.Digest {
	digest, err := image.ParseDigest(text)
	if err != nil {
		return ""
	}
	return digest
}
