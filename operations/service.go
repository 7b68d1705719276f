package operations

import (
	"context"
	"errors"
	"net/http"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ShowService shows whether what Tagwatch needs is there.
var ShowService = Operation[ServiceRequest, Service]{Name: "show-service", Summary: "Show whether the database, Temporal, workers and vulnerability data are there",
	Method: http.MethodGet, Path: "/service", Scope: token.Read, do: showService}

// ServiceRequest asks for the state of the service.
type ServiceRequest struct{}

// Service is what responds. Without the database there is no answer.
type Service struct {
	Temporal bool `json:"temporal"`
	// Workers reports that a worker waits for something to do.
	Workers bool `json:"workers"`
	// Data reports that there is vulnerability data.
	Data bool `json:"vulnerability_data"`
}

func showService(ctx context.Context, s *System, _ ServiceRequest) (Service, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return Service{}, err
	}
	feed, err := kept.Feed(ctx)
	if err != nil {
		return Service{}, err
	}
	service := Service{Data: feed.Current != nil}
	err = s.ask(ctx, "look for workers", queryTimeout, func(ctx context.Context, c client.Client) (err error) {
		service.Workers, err = c.Attended(ctx)
		return err
	})
	if err != nil && !errors.Is(err, errkind.Unavailable) {
		return Service{}, err
	}
	service.Temporal = err == nil
	return service, nil
}
