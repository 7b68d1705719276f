package subscription

import (
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
)

const (
	// MostTargets is how many tags one Request names at most.
	MostTargets = 200
	// ShortestPoll is the shortest interval at which a tag may be polled.
	ShortestPoll = 30 * time.Second
	// mostDockerfile bounds the Dockerfile of a subscription, in bytes.
	mostDockerfile = 64 << 10
)

// Request subscribes to tags, each with the same types and options.
type Request struct {
	Targets []image.Target
	Types   []notification.Type
	Options Options
	// Pins are the digests of tags that were given with one: their Options.Pin.
	Pins map[image.Target]image.Digest `json:",omitempty"`
	// Poll is the interval at which the tags are polled; zero for the default.
	Poll time.Duration
	// Unverified stores the subscriptions without asking the registry whether the
	// tags exist and may be read.
	Unverified bool
	// By is who asks.
	By audit.Actor `json:",omitzero"`
}

// End ends the subscriptions of a target of those types; of all types without any.
type End struct {
	Target image.Target
	Types  []notification.Type
}

// Result is the answer for one tag of a Request.
type Result struct {
	Target image.Target // as it is stored
	// Already reports that the tag was watched before the request.
	Already bool
	// Replaced is what the request changed about the subscriptions of a watched tag.
	Replaced []Replacement       `json:",omitempty"`
	Types    []notification.Type // all that the tag is subscribed to now, sorted
	// Resolved is what the tag points to; zero if the registry was not asked.
	Resolved image.Resolved
	// Endpoints are notified of the requested types; empty if nobody is.
	Endpoints []string
	// Refused is why nothing was stored; nil if the subscriptions are stored.
	Refused *condition.Problem
}

// Accepted are the tags that are not refused, each once.
func Accepted(answers []Result) []image.Target {
	var targets []image.Target
	for _, each := range answers {
		if each.Refused == nil && !slices.Contains(targets, each.Target) {
			targets = append(targets, each.Target)
		}
	}
	return targets
}

// Validate refuses a request that can be stored for no tag: errkind.Invalid,
// errkind.Limit, or errkind.NotFound for an endpoint that does not exist.
func (r Request) Validate(endpoints []endpoint.Endpoint) error {
	switch {
	case len(r.Targets) == 0 || len(r.Targets) > MostTargets:
		return fmt.Errorf("%d tags in one request: expected 1 to %d: %w", len(r.Targets), MostTargets, errkind.Invalid)
	case len(r.Types) == 0:
		return fmt.Errorf("no notification type to subscribe to: %w", errkind.Invalid)
	case r.Poll != 0 && r.Poll < ShortestPoll:
		return fmt.Errorf("interval %s is too short: the shortest is %s: %w", r.Poll, ShortestPoll, errkind.Invalid)
	case len(r.Options.Dockerfile) > mostDockerfile:
		return fmt.Errorf("the Dockerfile has %d bytes, more than %d: %w", len(r.Options.Dockerfile), mostDockerfile, errkind.Limit)
	}
	for _, t := range r.Types {
		if !slices.Contains(notification.TagTypes, t) {
			return fmt.Errorf("%q is not a notification type of tags: %w", t, errkind.Invalid)
		}
	}
	for _, name := range r.Options.Endpoints {
		if !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
			return fmt.Errorf("endpoint %q not found; add it with: tagwatch endpoint add %s URL: %w", name, name, errkind.NotFound)
		}
	}
	return nil
}

// Subscriptions are those that the request makes for some of its tags.
func (r Request) Subscriptions(targets []image.Target) []Subscription {
	var list []Subscription
	for _, target := range targets {
		options := r.Options
		options.Pin = r.Pins[target]
		for _, t := range r.Types {
			list = append(list, Subscription{Target: target, Type: t, Active: true, Options: options})
		}
	}
	return list
}

// Recipients are the endpoints that are notified of a tag's requested types, sorted.
func (r Request) Recipients(target image.Target, endpoints []endpoint.Endpoint) []string {
	var names []string
	for _, t := range r.Types {
		reached, _ := Route(r.Options, t, target.String(), endpoints)
		names = append(names, reached...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
