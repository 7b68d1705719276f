package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// LimitTags sets the most tags that one answer lists; 0 removes the limit. The
// client learns of more by the header Link. See
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags.
func (r *Registry) LimitTags(page int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.page = page
}

// pageTags lists tags in pages, which the store behind it cannot: that cuts a
// list without saying so.
func (r *Registry) pageTags(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		call := parseCall(req.Method, req.URL.Path)
		if call.Kind != KindTags || req.Method != http.MethodGet {
			next.ServeHTTP(w, req)
			return
		}
		tags, err := r.tagsOf(req, call.Repository)
		if err != nil {
			next.ServeHTTP(w, req) // the store knows how to say that there is no such repository
			return
		}
		r.writeTags(w, req.URL.Query(), call.Repository, tags)
	})
}

func (r *Registry) tagsOf(req *http.Request, repository string) ([]string, error) {
	repo, err := name.NewRepository(r.entrance.Host() + "/" + repository)
	if err != nil {
		return nil, fmt.Errorf("list tags of %s: %w", repository, err)
	}
	const all = 1 << 30
	return remote.List(repo, remote.WithContext(req.Context()), remote.WithPageSize(all))
}

func (r *Registry) writeTags(w http.ResponseWriter, query url.Values, repository string, tags []string) {
	if last := query.Get("last"); last != "" {
		tags = slices.DeleteFunc(tags, func(tag string) bool { return tag <= last })
	}
	if limit := r.tagLimit(query.Get("n")); limit > 0 && limit < len(tags) {
		tags = tags[:limit]
		w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?last=%s&n=%d>; rel="next"`,
			repository, url.QueryEscape(tags[limit-1]), limit))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags}) // a caller that left does not matter
}

// tagLimit is the smaller of what the client and the registry want, 0 for none.
func (r *Registry) tagLimit(asked string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := strconv.Atoi(asked)
	if err != nil || (r.page > 0 && r.page < n) {
		return r.page
	}
	return n
}
