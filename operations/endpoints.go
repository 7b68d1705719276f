package operations

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListEndpoints lists the endpoints, by name.
var ListEndpoints = Operation[EndpointsRequest, EndpointList]{Name: "list-endpoints", Summary: "List the endpoints and how deliveries to them go",
	Method: http.MethodGet, Path: "/endpoints", Scope: token.Read, Whole: true, do: listEndpoints}

// EndpointsRequest asks for a page of the endpoints.
type EndpointsRequest struct {
	Page
}

// EndpointList is a page of endpoints.
type EndpointList struct {
	Endpoints []Endpoint `json:"endpoints"`
	Next      string     `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Endpoint is an endpoint of a list. Of what may be a secret, callers without the scope
// admin see that it is there: the path of the URL, and the values of headers.
type Endpoint struct {
	endpoint.Endpoint
	Health  delivery.Health  `json:"health"`
	GivenUp delivery.GivenUp `json:"given_up,omitzero"` // within the last day
}

func listEndpoints(ctx context.Context, s *System, request EndpointsRequest) (EndpointList, error) {
	list := EndpointList{Endpoints: []Endpoint{}}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	endpoints, err := kept.Endpoints(ctx)
	if err != nil {
		return list, err
	}
	lost, err := kept.GivenUp(ctx, s.Now.Add(-delivery.GivenUpSpan))
	if err != nil {
		return list, err
	}
	endpoints, list.Next, err = partByName(request.Page, endpoints, func(e endpoint.Endpoint) string { return e.Name })
	for _, e := range endpoints {
		list.Endpoints = append(list.Endpoints, Endpoint{s.disclosed(e), e.State.Health(lost[e.Name]), lost[e.Name]})
	}
	return list, err
}

// ShowEndpoint shows one endpoint with its deliveries.
var ShowEndpoint = Operation[EndpointRequest, EndpointDetail]{Name: "show-endpoint", Summary: "Show an endpoint and its deliveries",
	Method: http.MethodGet, Path: "/endpoints/{name}", Scope: token.Read, Whole: true, do: showEndpoint}

// EndpointRequest names an endpoint.
type EndpointRequest struct {
	Name string `path:"name" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
}

// EndpointDetail is an endpoint with its deliveries.
type EndpointDetail struct {
	endpoint.Endpoint
	Edited
	// Deliveries are counted by state, Next is when the next is due.
	Deliveries map[delivery.State]int `json:"deliveries"`
	Oldest     time.Time              `json:"oldest_pending,omitzero"`
	Next       time.Time              `json:"next_try,omitzero"`
	Health     delivery.Health        `json:"health"`
	GivenUp    delivery.GivenUp       `json:"given_up,omitzero"` // within the last day
}

func showEndpoint(ctx context.Context, s *System, request EndpointRequest) (EndpointDetail, error) {
	none := EndpointDetail{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	found, err := s.endpoint(ctx, kept, request.Name)
	if err != nil {
		return none, err
	}
	detail := EndpointDetail{Endpoint: s.disclosed(found), Edited: Edited{found.Edition}}
	if detail.Deliveries, err = kept.DeliveryCounts(ctx, request.Name); err != nil {
		return none, err
	}
	lost, err := kept.GivenUp(ctx, s.Now.Add(-delivery.GivenUpSpan))
	if err != nil {
		return none, err
	}
	detail.GivenUp, detail.Health = lost[request.Name], detail.State.Health(lost[request.Name])
	backlog, err := kept.Backlog(ctx, request.Name)
	detail.Oldest = backlog.Oldest
	if !detail.State.Disabled {
		detail.Next = detail.State.Resume(backlog.Next)
	}
	return detail, err
}

func (s *System) endpoint(ctx context.Context, kept *store.Store, name string) (endpoint.Endpoint, error) {
	found, err := kept.Endpoint(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		err = noEndpoint(name)
	}
	return found, err
}

func noEndpoint(name string) error {
	return notFound("see: tagwatch endpoint list", "endpoint %q not found", name)
}

// disclosed is what the caller may see of an endpoint.
func (s *System) disclosed(e endpoint.Endpoint) endpoint.Endpoint {
	if s.Scope.Allows(token.Admin) {
		return e
	}
	return e.Disclosed()
}
