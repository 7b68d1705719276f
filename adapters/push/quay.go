package push

import (
	"encoding/json"
	"maps"
	"slices"
)

// parseQuay reads the body of Quay's event Push to Repository. The tags are a
// list; older versions send an object whose keys are the tags.
//
// Specification: https://docs.redhat.com/documentation/red_hat_quay, Repository notifications
func parseQuay(body []byte) ([]mention, error) {
	var hook struct {
		DockerURL string          `json:"docker_url"`
		Tags      json.RawMessage `json:"updated_tags"`
	}
	if err := decode(body, &hook); err != nil {
		return nil, err
	}
	if hook.DockerURL == "" {
		return nil, errOtherKind("docker_url")
	}
	tags, err := quayTags(hook.Tags)
	if err != nil {
		return nil, err
	}
	repository := mentioned(hook.DockerURL)
	mentions := make([]mention, len(tags))
	for i, tag := range tags {
		mentions[i] = mention{host: repository.host, path: repository.path, tag: tag}
	}
	return mentions, nil
}

// quayTags are the tags in any of the forms; none for an event other than a push.
func quayTags(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var named map[string]json.RawMessage
	if err := decode(raw, &named); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(named)), nil
}
