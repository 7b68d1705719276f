package taglist

import (
	"github.com/tagwatch/tagwatch/domain/endpoint"
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
}
