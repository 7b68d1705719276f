package operations

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListRepositories lists the watched repositories, by name.
var ListRepositories = Operation[RepositoriesRequest, RepositoryList]{Name: "list-repositories", Summary: "List the watched repositories",
	Method: http.MethodGet, Path: "/repositories", Scope: token.Read, do: listRepositories}

// RepositoriesRequest asks for a page of the watched repositories.
type RepositoriesRequest struct {
	Page
}

// RepositoryList is a page of repositories.
type RepositoryList struct {
	Repositories []Repository `json:"repositories"`
	Next         string       `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Repository is a watched repository.
type Repository struct {
	taglist.Repository
	Tags    []string  `json:"tags"`
	Checked time.Time `json:"checked,omitzero"`
	Problem *Problem  `json:"problem,omitempty"`
	// Listed is how many tags the repository has, watched or not.
	Listed int `json:"-"`
}

func listRepositories(ctx context.Context, s *System, request RepositoriesRequest) (RepositoryList, error) {
	list := RepositoryList{Repositories: []Repository{}}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	repositories, err := kept.Repositories(ctx)
	if err != nil {
		return list, err
	}
	visible := slices.DeleteFunc(repositories, func(r taglist.Repository) bool { return !s.Bounds.IncludeRepository(r.Name) })
	visible, list.Next, err = partByName(request.Page, visible, func(r taglist.Repository) string { return r.Name.String() })
	if err != nil {
		return list, err
	}
	for _, r := range visible {
		_, state, err := kept.Repository(ctx, r.Name)
		if errors.Is(err, errkind.NotFound) {
			continue // it was unwatched meanwhile
		}
		if err != nil {
			return list, err
		}
		list.Repositories = append(list.Repositories, Repository{r, append([]string{}, state.Tags...), state.Checked, ProblemOf(state.Problem), len(state.ListedTags)})
	}
	return list, nil
}
