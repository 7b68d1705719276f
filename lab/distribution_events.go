package lab

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// EventSink is where a Distribution sends its events, without a filter: pulls and
// layers included.
type EventSink struct {
	URL           string
	Authorization string // the header of that name
}

func (o DistributionOptions) notifications(string) (string, error) {
	if o.Events.URL == "" {
		return "", nil
	}
	return fmt.Sprintf("notifications:\n  endpoints:\n    - {name: hook, url: %q, timeout: 2s, threshold: 3, backoff: 1s, headers: {Authorization: [%q]}}\n",
		o.Events.URL, o.Events.Authorization), nil
}

// Push stores an image under "repository:tag" and returns its full reference.
// The registry must be open to everybody.
func (d *Distribution) Push(repositoryAndTag string, pushed v1.Image) (string, error) {
	reference, err := name.ParseReference(d.host + "/" + repositoryAndTag)
	if err != nil {
		return "", fmt.Errorf("name %q: %w", repositoryAndTag, err)
	}
	if err := remote.Write(reference, pushed); err != nil {
		return "", fmt.Errorf("push %s: %w", reference, err)
	}
	return reference.String(), nil
}
