package push

import (
	"cmp"
	"slices"
	"strings"
)

// harborEvents are the types that can move a tag, in the default form and as
// CloudEvents. A tag retention run deletes without naming every image.
var harborEvents = []string{
	"PUSH_ARTIFACT", "DELETE_ARTIFACT", "TAG_RETENTION",
	"harbor.artifact.pushed", "harbor.artifact.deleted", "harbor.tag_retention.finished",
}

type harborData struct {
	Resources []struct {
		Tag         string
		ResourceURL string `json:"resource_url"`
	}
	Repository struct {
		FullName string `json:"repo_full_name"`
	}
}

// parseHarbor reads a body of Harbor: the default form, or the CloudEvents of
// Harbor 2.8 and later.
//
// Specification: https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
func parseHarbor(body []byte) ([]mention, error) {
	var hook struct {
		Type      string
		EventData *harborData `json:"event_data"`
		Data      *harborData
	}
	if err := decode(body, &hook); err != nil {
		return nil, err
	}
	if hook.Type == "" {
		return nil, errOtherKind("type")
	}
	data := cmp.Or(hook.EventData, hook.Data)
	if data == nil || !slices.Contains(harborEvents, hook.Type) {
		return nil, nil
	}
	return data.mentions(), nil
}

// mentions takes the host from the resources, the only place where it is, and
// the name from the repository, which has it without a tag or digest.
func (d harborData) mentions() []mention {
	var mentions []mention
	for _, resource := range d.Resources {
		m := mentioned(resource.ResourceURL)
		if d.Repository.FullName != "" {
			m.path = d.Repository.FullName
		}
		// Without a tag, Harbor writes the digest in its place.
		if m.tag = resource.Tag; strings.HasPrefix(m.tag, "sha256:") {
			m.tag = ""
		}
		mentions = append(mentions, m)
	}
	if len(mentions) == 0 && d.Repository.FullName != "" {
		mentions = append(mentions, mention{path: d.Repository.FullName})
	}
	return mentions
}
