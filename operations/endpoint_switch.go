package operations

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
)

// DisableEndpoint stops sending to an endpoint.
var DisableEndpoint = Operation[EndpointDisabling, SwitchedEndpoint]{Name: "disable-endpoint", Summary: "Stop sending to an endpoint until it is enabled",
	Method: http.MethodPost, Path: "/endpoints/disable", Scope: token.Admin, Whole: true, do: disableEndpoint}

// EndpointDisabling names an endpoint.
type EndpointDisabling struct {
	Conditional
	Name   string `json:"name" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why, for people."`
}

// SwitchedEndpoint is an endpoint that was enabled, disabled or deleted.
type SwitchedEndpoint struct {
	Name string `json:"name"`
	Delay
}

func disableEndpoint(ctx context.Context, s *System, request EndpointDisabling) (SwitchedEndpoint, error) {
	return s.switchEndpoint(ctx, request.Conditional, request.Name, delivery.EndpointState{Disabled: true, Reason: request.Reason})
}

// EnableEndpoint resumes sending to an endpoint.
var EnableEndpoint = Operation[EndpointEnabling, SwitchedEndpoint]{Name: "enable-endpoint", Summary: "Resume sending to a disabled endpoint",
	Method: http.MethodPost, Path: "/endpoints/enable", Scope: token.Admin, Whole: true, do: enableEndpoint}

// EndpointEnabling names an endpoint.
type EndpointEnabling struct {
	Conditional
	Name string `json:"name" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
}

func enableEndpoint(ctx context.Context, s *System, request EndpointEnabling) (SwitchedEndpoint, error) {
	return s.switchEndpoint(ctx, request.Conditional, request.Name, delivery.EndpointState{})
}

func (s *System) switchEndpoint(ctx context.Context, condition Conditional, name string, state delivery.EndpointState) (SwitchedEndpoint, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return SwitchedEndpoint{}, err
	}
	err = kept.Expecting(condition.expected()).SwitchEndpoint(ctx, name, state, s.Now)
	return s.switched(ctx, name, err)
}

// switched is the answer to a change of an endpoint that may have failed.
func (s *System) switched(ctx context.Context, name string, err error) (SwitchedEndpoint, error) {
	switch {
	case errors.Is(err, errkind.NotFound):
		return SwitchedEndpoint{}, noEndpoint(name)
	case err != nil:
		return SwitchedEndpoint{}, changed("endpoint "+name, err)
	}
	return SwitchedEndpoint{name, Delay{s.wakeEndpoint(ctx, name)}}, nil
}

// RemoveEndpoint deletes an endpoint.
var RemoveEndpoint = Operation[EndpointRemoval, SwitchedEndpoint]{Name: "remove-endpoint", Summary: "Delete an endpoint; pending deliveries to it fail",
	Method: http.MethodDelete, Path: "/endpoints/{name}", Scope: token.Admin, Whole: true, do: removeEndpoint}

// EndpointRemoval names an endpoint.
type EndpointRemoval struct {
	Conditional
	EndpointRequest
}

func removeEndpoint(ctx context.Context, s *System, request EndpointRemoval) (SwitchedEndpoint, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return SwitchedEndpoint{}, err
	}
	err = kept.Expecting(request.expected()).DeleteEndpoint(ctx, request.Name, s.Now)
	return s.switched(ctx, request.Name, err)
}

// TestEndpoint has a worker send a sample.
var TestEndpoint = Operation[EndpointSample, TestedEndpoint]{Name: "test-endpoint", Summary: "Send a sample notification to an endpoint and report the response",
	Method: http.MethodPost, Path: "/endpoints/test", Scope: token.Admin, Whole: true, do: testEndpoint}

// EndpointSample names an endpoint and the type of the sample.
type EndpointSample struct {
	Name string            `json:"name" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
	Type notification.Type `json:"type,omitempty" maxLength:"20" doc:"Type of the sample; tag_update by default." example:"policy_eval"`
}

// TestedEndpoint is the response to a sample.
type TestedEndpoint struct {
	Endpoint string            `json:"endpoint"`
	Type     notification.Type `json:"type"`
	Verdict  delivery.Verdict  `json:"verdict" doc:"What a real delivery with this response would be: delivered, or retry, disable or final."`
	Status   int               `json:"status" doc:"Status of the response; 0 without one."`
	Seconds  float64           `json:"duration_seconds"`
	Answer   string            `json:"answer"`
}

func testEndpoint(ctx context.Context, s *System, request EndpointSample) (TestedEndpoint, error) {
	if request.Type == "" {
		request.Type = notification.TagUpdate
	}
	if err := oneOf("type", notification.Types, request.Type); err != nil {
		return TestedEndpoint{}, err
	}
	var result delivery.TestResult
	err := s.ask(ctx, "test endpoint "+request.Name, endpoint.MaxTimeout+time.Minute, func(ctx context.Context, c client.Client) (err error) {
		result, err = c.TestEndpoint(ctx, request.Name, request.Type)
		return err
	})
	if errors.Is(err, errkind.NotFound) {
		err = noEndpoint(request.Name)
	}
	return TestedEndpoint{request.Name, request.Type, result.Verdict, result.Status, result.Duration.Seconds(), result.Answer}, refused(err)
}
