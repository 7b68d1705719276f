package subscription

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Filter selects subscriptions; zero fields select all.
type Filter struct {
	Target     *image.Target
	Repository *image.Repository // that brought them
	Type       notification.Type
	ActiveOnly bool
}

// TargetFilter selects targets with an active subscription, in order of their
// text; zero fields select all.
type TargetFilter struct {
	Registry   string
	Repository *image.Repository // under any of its names
	Reference  *image.Reference  // under any of its names, on every platform
	Source     string            // that a source brings
	Image      string            // whose image has this digest, index or id
	Unstarted  bool              // whose watcher was not started yet
	After      string            // text of the last target of the page before
	Limit      int               // zero for no limit
}

// Audience is whom a target's transitions are notified to.
type Audience struct {
	Account       string
	Subscriptions []Subscription
	Endpoints     []endpoint.Endpoint
	// RetryWindow is how long deliveries are tried.
	RetryWindow time.Duration
	// Trace is the span in which the transitions were found, as a notification keeps it.
	Trace string
}
