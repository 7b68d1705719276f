package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	pageSize    = 1000     // ECR refuses more
	maxListPage = 16 << 20 // bytes
)

// Tags lists a repository's tags page by page, each tag once. The listing ends
// at the first error: after it, nothing may be concluded about tags not seen.
func (r *Registry) Tags(ctx context.Context, repository image.Repository) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		ctx, cancel := context.WithTimeoutCause(ctx, r.timeouts.list, fmt.Errorf("the list has no end after %s", r.timeouts.list))
		defer cancel()
		listed := newListing()
		for resource := fmt.Sprintf("tags/list?n=%d", pageSize); resource != ""; {
			var fresh []string
			page, err := r.page(ctx, repository, resource)
			if err == nil {
				fresh, resource, err = listed.take(page)
			}
			if len(fresh) > 0 && !yield(fresh, nil) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("list tags of %s: %w", repository, err))
				return
			}
		}
	}
}

// page is an answer with tags.
type page struct {
	tags []string
	next string // resource of the next page; "" if the registry names none
}

// page reads one page. An answer that has no list of tags is an error, whatever
// its status: taken for an empty list, it would make all tags new the next time.
func (r *Registry) page(ctx context.Context, repository image.Repository, resource string) (page, error) {
	raw, header, err := r.read(ctx, query{method: http.MethodGet, repository: repository, resource: resource}, maxListPage)
	if err != nil {
		return page{}, err
	}
	if said := errorsIn(raw, repository.Registry); said != nil {
		return page{}, said
	}
	tags, err := tagsIn(raw)
	if err != nil {
		return page{}, fmt.Errorf("answer of %s is not a list of tags: %w: %w", repository.Registry, errkind.Invalid, err)
	}
	next, err := nextPage(header)
	if err != nil {
		return page{}, fmt.Errorf("%s names the next page: %w: %w", repository.Registry, errkind.Invalid, err)
	}
	return page{tags, next}, nil
}

// tagsIn are the tags of a list. A list without tags says so: its field is there.
func tagsIn(raw []byte) ([]string, error) {
	var list struct {
		Tags json.RawMessage `json:"tags"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	if list.Tags == nil {
		return nil, fmt.Errorf("it has no field %q", "tags")
	}
	var tags []string
	if err := json.Unmarshal(list.Tags, &tags); err != nil {
		return nil, err
	}
	for i, tag := range tags {
		if tag == "" { // which null becomes as well
			return nil, fmt.Errorf("tag %d has no name", i+1)
		}
	}
	return tags, nil
}
