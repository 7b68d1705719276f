package subscription

import (
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Route names the endpoints that a notification about the subject goes to, from
// a subscription with those options, and says why it does not go to the others.
func Route(options Options, t notification.Type, subject string, endpoints []endpoint.Endpoint) (names []string, suppressed []notification.Suppression) {
	suppress := func(name string, reason notification.Reason) {
		suppressed = append(suppressed, notification.Suppression{Type: t, Endpoint: name, Reason: reason})
	}
	for _, e := range endpoints {
		if reason := options.excludes(e, t, subject); reason != "" {
			suppress(e.Name, reason)
			continue
		}
		names = append(names, e.Name)
	}
	for _, name := range options.Endpoints {
		if !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
			suppress(name, notification.EndpointMissing)
		}
	}
	if len(endpoints)+len(options.Endpoints) == 0 {
		suppress("", notification.NoEndpoint)
	}
	return names, suppressed
}

// excludes is why a notification does not go to the endpoint; "" if it does.
func (o Options) excludes(e endpoint.Endpoint, t notification.Type, subject string) notification.Reason {
	named := slices.Contains(o.Endpoints, e.Name)
	switch {
	case !named && len(o.Endpoints) > 0:
		return notification.OtherEndpoints
	case !named && e.ExplicitOnly:
		return notification.ExplicitOnly
	case !e.Receives(t):
		return notification.OtherType
	}
	return e.Excludes(t, subject, o.Labels)
}

// Obstacles are why, as things are, changes of the subject of that type, or some of
// them, are not notified: the type's subscription, which may be inactive or missing,
// its options, and the endpoints.
func Obstacles(t notification.Type, subject string, subscriptions []Subscription, endpoints []endpoint.Endpoint) []notification.Suppression {
	i := slices.IndexFunc(subscriptions, func(s Subscription) bool { return s.Type == t })
	switch {
	case i < 0:
		return []notification.Suppression{notification.Suppress(t, notification.NotSubscribed)}
	case !subscriptions[i].Active:
		return []notification.Suppression{notification.Suppress(t, notification.NotSubscribed, "unsubscribed "+subscriptions[i].Updated.UTC().Format(time.RFC3339))}
	}
	options := subscriptions[i].Options
	names, suppressed := Route(options, t, subject, endpoints)
	for _, e := range endpoints {
		switch {
		case !slices.Contains(names, e.Name):
			continue
		case canDrop(e.When, t):
			suppressed = append(suppressed, notification.Suppression{Type: t, Endpoint: e.Name, Reason: notification.Filtered, Detail: "only " + e.When})
		}
		switch {
		case e.State.Disabled:
			suppressed = append(suppressed, notification.Suppression{Type: t, Endpoint: e.Name, Reason: notification.EndpointDisabled, Detail: e.State.Reason})
		case e.State.Failing():
			suppressed = append(suppressed, notification.Suppression{Type: t, Endpoint: e.Name, Reason: notification.EndpointFailing, Detail: e.State.LastAnswer})
		}
	}
	return append(options.narrow(t), suppressed...)
}

// narrow are the changes of that type that the options leave out.
func (o Options) narrow(t notification.Type) (suppressed []notification.Suppression) {
	for _, each := range []struct {
		applies bool
		reason  notification.Reason
		detail  string
	}{
		{len(o.Causes) > 0, notification.OtherCause, fmt.Sprintf("only %s", o.Causes)},
		{t == notification.VulnUpdate && o.MinSeverity != "", notification.BelowSeverity, "only " + string(o.MinSeverity) + " and above"},
		{t == notification.VulnUpdate && o.FixableOnly, notification.NotFixable, "only vulnerabilities with a fix"},
		{canDrop(o.When, t), notification.Filtered, "only " + o.When},
		{t == notification.PolicyEval && !o.EveryAction, notification.SameStatus, "only changes between pass and fail"},
	} {
		if each.applies {
			suppressed = append(suppressed, notification.Suppress(t, each.reason, each.detail))
		}
	}
	return suppressed
}

// canDrop reports whether a filter may drop a notification of that type.
func canDrop(when string, t notification.Type) bool {
	if when == "" {
		return false
	}
	e, err := filter.Stored(when)
	return err == nil && e.CanDrop(t)
}
