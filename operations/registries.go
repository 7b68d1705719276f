package operations

import (
	"context"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/token"
)

// ListRegistries lists the registries that have watched tags.
var ListRegistries = Operation[RegistriesRequest, RegistryList]{Name: "list-registries", Summary: "List the registries that have watched tags",
	Method: http.MethodGet, Path: "/registries", Scope: token.Read, Whole: true, do: listRegistries}

// RegistriesRequest asks for a page of the registries.
type RegistriesRequest struct {
	Page
}

// RegistryList is a page of registries.
type RegistryList struct {
	Registries []Registry `json:"registries"`
	Next       string     `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Registry is a registry and how the checks of its tags go.
type Registry struct {
	Name    string    `json:"name"`
	Tags    int       `json:"tags"`
	Failing int       `json:"failing_tags"`
	Checked time.Time `json:"checked,omitzero"`
	// Problem is that of one of the failing tags.
	Problem *Problem `json:"problem,omitempty"`
}

func listRegistries(ctx context.Context, s *System, request RegistriesRequest) (RegistryList, error) {
	none := RegistryList{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	states, err := kept.RegistryStates(ctx)
	if err != nil {
		return none, err
	}
	all := []Registry{}
	for _, state := range states {
		all = append(all, Registry{state.Registry, state.Tags, state.Failing, state.Checked, ProblemOf(state.Example)})
	}
	list := RegistryList{}
	list.Registries, list.Next, err = part(request.Page, all)
	return list, err
}
