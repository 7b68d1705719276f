package push

import "github.com/tagwatch/tagwatch/domain/image"

// distributionEvent is an event of a Distribution registry, and with few
// differences the body of Azure Container Registry.
//
// Specification: https://distribution.github.io/distribution/about/notifications
type distributionEvent struct {
	Action string
	Target struct {
		Digest     string
		Repository string
		Tag        string
	}
	Request struct{ Host string }
}

// parseDistribution reads an envelope. There is also an event for each layer, and
// one of action pull for each check of a tag, ours included: only pushes with a tag,
// and deletions, matter.
func parseDistribution(body []byte) ([]mention, error) {
	var envelope struct{ Events []distributionEvent }
	if err := decode(body, &envelope); err != nil {
		return nil, err
	}
	if envelope.Events == nil {
		return nil, errOtherKind("events")
	}
	var mentions []mention
	for _, event := range envelope.Events {
		mentions = append(mentions, event.mentions()...)
	}
	return mentions, nil
}

// parseACR reads the body of Azure Container Registry: one event without an
// envelope. The action of a test is ping.
//
// Specification: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
func parseACR(body []byte) ([]mention, error) {
	var event distributionEvent
	if err := decode(body, &event); err != nil {
		return nil, err
	}
	if event.Action == "" {
		return nil, errOtherKind("action")
	}
	return event.mentions(), nil
}

func (e distributionEvent) mentions() []mention {
	m := mention{host: e.Request.Host, path: e.Target.Repository, tag: e.Target.Tag}
	if m.path == "" || e.Action != "delete" && (e.Action != "push" || m.tag == "") {
		return nil
	}
	return []mention{m}
}

// parseDockerHub reads the body of Docker Hub, which reports only pushes. Its
// callback_url, like every other address, is not called.
//
// Specification: https://docs.docker.com/docker-hub/repos/manage/webhooks/
func parseDockerHub(body []byte) ([]mention, error) {
	var hook struct {
		PushData struct {
			Tag string
		} `json:"push_data"`
		Repository struct {
			RepoName string `json:"repo_name"`
		}
	}
	if err := decode(body, &hook); err != nil {
		return nil, err
	}
	if hook.Repository.RepoName == "" {
		return nil, errOtherKind("repository.repo_name")
	}
	if hook.PushData.Tag == "" {
		return nil, nil
	}
	return []mention{{host: image.DefaultRegistry, path: hook.Repository.RepoName, tag: hook.PushData.Tag}}, nil
}
