package operations

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Redeliver sends deliveries again.
var Redeliver = Operation[RedeliverRequest, Redelivered]{Name: "redeliver", Summary: "Send deliveries again",
	Method: http.MethodPost, Path: "/redeliveries", Scope: token.Act, Creates: true, Accepted: true, do: redeliver}

// RedeliverRequest selects deliveries: by their ids, or those to an endpoint since a time.
type RedeliverRequest struct {
	IDs      []int64        `json:"ids,omitempty" maxItems:"1000" doc:"Ids of deliveries."`
	Endpoint string         `json:"endpoint,omitempty" maxLength:"63" doc:"Name of an endpoint; with since."`
	Since    time.Time      `json:"since,omitzero" doc:"Deliveries created then or later; with endpoint."`
	State    delivery.State `json:"state,omitempty" maxLength:"20" doc:"Only in this state; all but debounced ones by default."`
}

// Redelivered is how many deliveries are sent again.
type Redelivered struct {
	Deliveries int `json:"deliveries"`
	// Delayed is why the endpoints notice it later only; what is stored counts.
	Delayed string `json:"delayed,omitempty"`
}

func redeliver(ctx context.Context, s *System, request RedeliverRequest) (Redelivered, error) {
	none := Redelivered{}
	if byTime := request.Endpoint != "" && !request.Since.IsZero(); byTime == (len(request.IDs) > 0) {
		return none, &Refusal{Kind: errkind.Invalid, Text: "give either the ids of deliveries, or an endpoint and a time since when"}
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	ids := request.IDs
	if len(ids) > 0 {
		err = s.visible(ctx, kept, ids)
	} else {
		ids, err = s.deliveriesSince(ctx, kept, request)
	}
	if err != nil {
		return none, err
	}
	if err := kept.Redeliver(ctx, ids, s.Now); err != nil {
		if errors.Is(err, errkind.NotFound) {
			err = notFound("nothing was sent, see: tagwatch deliveries", "%s", errkind.Text(err))
		}
		return none, err
	}
	delayed, err := s.wakeEndpoints(ctx, kept)
	return Redelivered{Deliveries: len(ids), Delayed: delayed}, err
}

// visible refuses deliveries about what is outside of the caller's bounds.
func (s *System) visible(ctx context.Context, kept *store.Store, ids []int64) error {
	if s.Bounds.Whole() {
		return nil
	}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{IDs: ids})
	if err != nil {
		return err
	}
	for _, id := range ids {
		seen := func(d delivery.Delivery) bool { return d.ID == id && s.Bounds.IncludeSubject(d.Subject) }
		if !slices.ContainsFunc(found, seen) {
			return notFound("nothing was sent, see: tagwatch deliveries", "redeliver: delivery %d does not exist, or its endpoint was deleted", id)
		}
	}
	return nil
}

func (s *System) deliveriesSince(ctx context.Context, kept *store.Store, request RedeliverRequest) ([]int64, error) {
	if _, err := s.endpoint(ctx, kept, request.Endpoint); err != nil {
		return nil, err
	}
	if request.State != "" {
		if err := oneOf("state", DeliveryStates, request.State); err != nil {
			return nil, err
		}
	}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{Endpoint: request.Endpoint, State: request.State, Since: request.Since, Limit: math.MaxInt32})
	var ids []int64
	for _, d := range found {
		if s.Bounds.IncludeSubject(d.Subject) && (d.State != delivery.Debounced || request.State == delivery.Debounced) {
			ids = append(ids, d.ID)
		}
	}
	return ids, err
}

// wakeEndpoints has the queues of the endpoints look for what is due, and says why it
// cannot. They would find out by themselves.
func (s *System) wakeEndpoints(ctx context.Context, kept *store.Store) (delayed string, err error) {
	endpoints, err := kept.Endpoints(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range endpoints {
		err := s.ask(ctx, "wake the queue of endpoint "+e.Name, signalTimeout, func(ctx context.Context, c client.Client) error {
			return c.WakeEndpoint(ctx, e.Name, watcher.WakeSettings)
		})
		if err != nil {
			return errkind.Text(err), nil
		}
	}
	return "", nil
}
