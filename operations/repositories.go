package operations

import (
	"context"
	"errors"
	"net/http"
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
	limit, err := request.limit()
	if err != nil {
		return list, err
	}
	after, err := request.name()
	if err != nil {
		return list, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	repositories, err := kept.Repositories(ctx)
	if err != nil {
		return list, err
	}
	for _, r := range repositories {
		if r.Name.String() <= after || !s.Bounds.IncludeRepository(r.Name) {
			continue
		}
		if len(list.Repositories) == limit {
			list.Next = cursorOf(list.Repositories[limit-1].Name.String())
			return list, nil
		}
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
