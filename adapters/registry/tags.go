package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	pageSize    = 1000     // ECR refuses more
	maxListPage = 16 << 20 // bytes
	maxTags     = 500_000  // of one repository
	maxPages    = 20_000   // of one list
)

// Tags lists a repository's tags page by page, each tag once. The listing ends
// at the first error: after it, nothing may be concluded about tags not seen.
func (r *Registry) Tags(ctx context.Context, repository image.Repository) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		ctx, cancel := context.WithTimeoutCause(ctx, r.patience.list, fmt.Errorf("the list has no end after %s", r.patience.list))
		defer cancel()
		seen, pages := map[string]bool{}, 0
		resource := fmt.Sprintf("tags/list?n=%d", pageSize)
		for resource != "" {
			tags, next, err := r.page(ctx, repository, resource)
			if err != nil {
				yield(nil, fmt.Errorf("list tags of %s: %w", repository, err))
				return
			}
			fresh := unseen(seen, tags)
			if len(fresh) > 0 && !yield(fresh, nil) {
				return
			}
			pages++
			if err := endless(next, len(fresh), len(seen), pages); err != nil {
				yield(nil, fmt.Errorf("list tags of %s: %w", repository, err))
				return
			}
			resource = next
		}
	}
}

// endless refuses a list that would never end: a further page after one that
// brought nothing new, or more tags or pages than any repository has.
func endless(next string, fresh, total, pages int) error {
	switch {
	case next == "":
		return nil
	case fresh == 0:
		return fmt.Errorf("the registry's pages repeat: %w", fault.Invalid)
	case total > maxTags:
		return fmt.Errorf("more than %d tags: %w", maxTags, fault.Limit)
	case pages >= maxPages:
		return fmt.Errorf("more than %d pages: %w", maxPages, fault.Limit)
	}
	return nil
}

// unseen returns the tags that were not seen before, and remembers them.
func unseen(seen map[string]bool, tags []string) (fresh []string) {
	for _, tag := range tags {
		if !seen[tag] {
			seen[tag] = true
			fresh = append(fresh, tag)
		}
	}
	return fresh
}

// page reads one page and returns the resource of the next, "" after the last.
func (r *Registry) page(ctx context.Context, repository image.Repository, resource string) (tags []string, next string, err error) {
	raw, header, err := r.read(ctx, repository, resource, maxListPage)
	if err != nil {
		return nil, "", err
	}
	var list struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, "", fmt.Errorf("answer of %s is no list of tags: %w: %w", repository.Registry, fault.Invalid, err)
	}
	next, err = nextPage(header, repository)
	return list.Tags, next, err
}

// nextPage reads the Link header (RFC 8288) of a page. Only the query of its
// target counts: the rest is known, and the registry has no say in it.
func nextPage(header http.Header, repository image.Repository) (string, error) {
	for _, link := range header.Values("Link") {
		target, parameters, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
		if !found || !strings.Contains(parameters, "next") {
			continue
		}
		parsed, err := url.Parse(target)
		if err != nil {
			return "", fmt.Errorf("link to the next page at %s cannot be read: %w", repository.Registry, fault.Invalid)
		}
		return "tags/list?" + parsed.RawQuery, nil
	}
	return "", nil
}
