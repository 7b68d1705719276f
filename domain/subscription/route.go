package subscription

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Route names the endpoints that a notification about the subject goes to, from
// a subscription with those options.
func Route(options Options, t notification.Type, subject string, endpoints []endpoint.Endpoint) []string {
	var names []string
	for _, e := range endpoints {
		named := slices.Contains(options.Endpoints, e.Name)
		open := len(options.Endpoints) == 0 && !e.ExplicitOnly
		if (named || open) && e.Receives(t) && e.Takes(t, subject, options.Labels) {
			names = append(names, e.Name)
		}
	}
	return names
}
