package operations

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// SaveEndpoint adds an endpoint, or replaces the settings of one.
var SaveEndpoint = Operation[EndpointChange, SavedEndpoint]{Name: "save-endpoint", Summary: "Add an endpoint, or replace the settings of one",
	Method: http.MethodPost, Path: "/endpoints", Scope: token.Admin, Whole: true, Creates: true, do: saveEndpoint}

// EndpointChange is an endpoint with all its settings.
type EndpointChange struct {
	Conditional
	EndpointSettings
	Replace bool `json:"replace,omitempty" doc:"Replace the endpoint of this name, with all its settings. Without it, an existing one is not changed."`
}

// SavedEndpoint is an endpoint that was stored.
type SavedEndpoint struct {
	endpoint.Endpoint
	Edited
	// Created reports that it is new.
	Created bool `json:"created"`
	// Warnings are about settings that are valid, but probably not meant.
	Warnings []string `json:"warnings,omitempty"`
	Delay
}

// Delay is of changes that workflows notice by themselves if they cannot be woken.
type Delay struct {
	// Delayed is why they notice it later only.
	Delayed string `json:"delayed,omitempty" doc:"Why the change takes effect later only; what is stored counts."`
}

func saveEndpoint(ctx context.Context, s *System, request EndpointChange) (saved SavedEndpoint, err error) {
	asked, err := request.endpoint()
	if err != nil {
		return saved, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return saved, err
	}
	warnings, err := unmatched(ctx, kept, asked.Subjects)
	if err != nil {
		return saved, err
	}
	saved, err = s.editEndpoint(ctx, kept.Expecting(request.expected()), request.Name, func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
		if before != nil && !request.Replace {
			return asked, &Refusal{Kind: errkind.Conflict, Text: "endpoint \"" + asked.Name + "\" exists",
				Hint: "see its settings with: tagwatch endpoint show " + asked.Name + "; replace all of them with: --replace"}
		}
		return asked, nil
	})
	saved.Warnings = warnings
	return saved, err
}

// editEndpoint stores other settings of an endpoint, and wakes its queue.
func (s *System) editEndpoint(ctx context.Context, kept *store.Store, name string, edit func(before *endpoint.Endpoint) (endpoint.Endpoint, error)) (saved SavedEndpoint, err error) {
	saved.Endpoint, err = kept.EditEndpoint(ctx, name, s.Now, func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
		saved.Created = before == nil
		return edit(before)
	})
	if err != nil {
		return saved, changed("endpoint "+name, err)
	}
	saved.Edited = Edited{saved.Endpoint.Edition}
	saved.Delayed = s.wakeEndpoint(ctx, name)
	return saved, nil
}

// wakeEndpoint has the queue of an endpoint read its settings, and says why it cannot. It
// would find out by itself.
func (s *System) wakeEndpoint(ctx context.Context, name string) (delayed string) {
	err := s.ask(ctx, "wake the queue of endpoint "+name, signalTimeout, func(ctx context.Context, c client.Client) error {
		return c.WakeEndpoint(ctx, name, watcher.WakeSettings)
	})
	if err != nil {
		return errkind.Text(err)
	}
	return ""
}

// ImportEndpoints adds several endpoints.
var ImportEndpoints = Operation[EndpointImport, ImportedEndpoints]{Name: "import-endpoints", Summary: "Add several endpoints, such as the webhooks of an Anchore Engine",
	Method: http.MethodPost, Path: "/endpoints/import", Scope: token.Admin, Whole: true, Creates: true, do: importEndpoints}

// EndpointImport are the endpoints to add.
type EndpointImport struct {
	Endpoints []EndpointSettings `json:"endpoints" maxItems:"100" doc:"The endpoints."`
	Replace   bool               `json:"replace,omitempty" doc:"Replace those that exist. Without it, these are not changed."`
}

// ImportedEndpoints is what became of each.
type ImportedEndpoints struct {
	Added []endpoint.Endpoint `json:"added"`
	Kept  []string            `json:"kept" doc:"Names of those that exist and were not changed."`
	Delay
}

// errKept ends a change of an endpoint that exists.
var errKept = errors.New("it exists")

func importEndpoints(ctx context.Context, s *System, request EndpointImport) (ImportedEndpoints, error) {
	answer := ImportedEndpoints{Added: []endpoint.Endpoint{}, Kept: []string{}}
	all := make([]endpoint.Endpoint, len(request.Endpoints))
	for i, settings := range request.Endpoints {
		var err error
		if all[i], err = settings.endpoint(); err != nil {
			return answer, err
		}
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return answer, err
	}
	for _, asked := range all {
		saved, err := s.editEndpoint(ctx, kept, asked.Name, func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
			if before != nil && !request.Replace {
				return asked, errKept
			}
			return asked, nil
		})
		switch {
		case errors.Is(err, errKept):
			answer.Kept = append(answer.Kept, asked.Name)
			continue
		case err != nil:
			return answer, err
		case answer.Delayed == "":
			answer.Delayed = saved.Delayed
		}
		answer.Added = append(answer.Added, saved.Endpoint)
	}
	return answer, nil
}

// RotateEndpoint gives an endpoint another signing secret.
var RotateEndpoint = Operation[EndpointRotation, SavedEndpoint]{Name: "rotate-endpoint", Summary: "Replace the signing secret of an endpoint",
	Method: http.MethodPost, Path: "/endpoints/rotate", Scope: token.Admin, Whole: true, do: rotateEndpoint}

// EndpointRotation sets the new secret, or ends the time in which the previous one is valid
// too.
type EndpointRotation struct {
	Conditional
	Name   string             `json:"name" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
	Secret endpoint.SecretRef `json:"secret,omitempty" maxLength:"4000" doc:"Reference to the new secret: env:NAME or file:/path, of the workers. Bodies are signed with this one and the previous one." example:"env:HOOK_SECRET_2"`
	Finish bool               `json:"finish,omitempty" doc:"Sign with the newest secret only."`
}

func rotateEndpoint(ctx context.Context, s *System, request EndpointRotation) (saved SavedEndpoint, err error) {
	if (request.Secret == "") != request.Finish {
		return saved, &Refusal{Kind: errkind.Invalid, Text: "give the new secret, or finish to end the rotation"}
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return saved, err
	}
	return s.editEndpoint(ctx, kept.Expecting(request.expected()), request.Name, func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
		if before == nil {
			return endpoint.Endpoint{}, noEndpoint(request.Name)
		}
		after := *before
		after.Signing = rotated(before.Signing, request.Secret)
		return after, refused(after.Validate())
	})
}

// rotated is the new secret before the newest of the old ones; without a new secret, the
// newest alone.
func rotated(signing []endpoint.SecretRef, fresh endpoint.SecretRef) []endpoint.SecretRef {
	if slices.Index(signing, fresh) == 0 {
		return signing // the request was repeated
	}
	signing = signing[:min(1, len(signing))]
	if fresh == "" {
		return signing
	}
	return append([]endpoint.SecretRef{fresh}, signing...)
}
