package taglist

import (
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// View is everything of the store that the record of a listing
// depends on.
type View struct {
	Repository Repository
	State      State
	Endpoints  []endpoint.Endpoint
	// Brought are the active subscriptions that the repository brought, by
	// target; read only if it is Stale.
	Brought []subscription.Subscription
	// Watched are the names by which targets of the repository are watched already,
	// where these are not the repository's own.
	Watched map[image.Target]image.Target
}

// Namesake is a target that the repository watches under another name: it was
// subscribed by that before, and everything would be notified twice.
type Namesake struct {
	Target image.Target `json:"target"`
	As     image.Target `json:"subscribed_as"`
}

// targets are those of a tag under the names by which they are watched.
func (v View) targets(tag string) []image.Target {
	targets := v.Repository.Targets(tag)
	for i, target := range targets {
		if as, found := v.Watched[target]; found {
			targets[i] = as
		}
	}
	return targets
}

// namesakes are the targets of tags that are watched under other names.
func (v View) namesakes(tags []string) (found []Namesake) {
	if len(v.Watched) == 0 {
		return nil
	}
	for _, tag := range tags {
		for _, target := range v.Repository.Targets(tag) {
			if as, other := v.Watched[target]; other {
				found = append(found, Namesake{target, as})
			}
		}
	}
	return found
}
