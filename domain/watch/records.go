package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// RecordView is everything of the store that the record of a pass depends on.
type RecordView struct {
	State State
	// Watched reports that somebody is subscribed.
	Watched bool
	// Poll is how often the tag is checked; zero for the default.
	Poll          time.Duration
	Subscriptions []subscription.Subscription
	Endpoints     []endpoint.Endpoint
	// Build, Matcher and Bundle are what an outcome would be made from now.
	Build   string
	Matcher vuln.Matcher
	Bundle  string // hash of the active bundle; "" without any
	// Acceptances are those that are for the target, and Accepting is the key of those of
	// them that name a vulnerability of State.Analyzed.
	Acceptances []acceptance.Acceptance
	Accepting   string
	// Running is what workloads run of the tag.
	Running []workload.Instance
}

// Like reports whether an outcome would be made from the same in both views.
func (v RecordView) Like(other RecordView) bool {
	return v.Build == other.Build && v.Matcher == other.Matcher && v.Bundle == other.Bundle &&
		acceptance.Same(v.Acceptances, other.Acceptances) &&
		subscription.Dockerfile(v.Subscriptions) == subscription.Dockerfile(other.Subscriptions)
}

// Pruned counts what was removed because nobody will ask for it any more.
type Pruned struct {
	Images        int64
	Groups        int64
	Notifications int64
	// GivenUp are deliveries whose time was long over at an endpoint that takes
	// nothing.
	GivenUp int64
	// Changes are those of the audit trail.
	Changes int64
}
