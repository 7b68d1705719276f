package packages

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// dialect is the API of a kind of registry.
type dialect struct {
	accept string // media types
	// publishable reports whether a package can have the name. Names come from
	// images, so invalid ones are not sent to the registry.
	publishable func(name string) bool
	path        func(name string) string // escaped, below the base URL
	// read reads an answer; a package without versions does not exist.
	read func(io.Reader) (policy.Published, error)
}

// registry is one registry and its remembered answers.
type registry struct {
	name    string // for errors
	base    *url.URL
	dialect dialect
	options Options
	client  *http.Client
	memory  *memory
}

// open returns nil for an empty address.
func open(name, address string, dialect dialect, options Options) (*registry, error) {
	if address == "" {
		return nil, nil
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("URL of the %s: %w: expected a base address such as https://registry.example.com/path", name, errkind.Invalid)
	}
	if base.User != nil {
		return nil, fmt.Errorf("URL of the %s: %w: it must not hold a user or password", name, errkind.Invalid)
	}
	client, err := newClient(base, options)
	if err != nil {
		return nil, err
	}
	return &registry{name: name, base: base, dialect: dialect, options: options, client: client, memory: newMemory(options.Memory)}, nil
}

// feed queries all names.
func (r *registry) feed(ctx context.Context, names []string) (*policy.PackageFeed, error) {
	if r == nil {
		return nil, nil
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > r.options.MaxNames {
		return nil, fmt.Errorf("query the %s for %d packages: the limit is %d: %w", r.name, len(names), r.options.MaxNames, errkind.Limit)
	}
	feed := &policy.PackageFeed{Packages: map[string]policy.Published{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Connections)
	for _, name := range names {
		group.Go(func() error {
			published, err := r.check(ctx, name)
			if err == nil && len(published.Versions) > 0 {
				mu.Lock()
				defer mu.Unlock()
				feed.Packages[name] = published
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return feed, nil
}

// check returns what is published under a name, without versions if nothing is.
func (r *registry) check(ctx context.Context, name string) (policy.Published, error) {
	if !r.dialect.publishable(name) {
		return policy.Published{}, nil
	}
	before, found := r.memory.get(name)
	age := time.Since(before.at)
	if found && age < r.options.Fresh {
		return before.published(), nil
	}
	now, err := r.query(ctx, name, before)
	if err != nil {
		if found && age < r.options.Stale && ctx.Err() == nil {
			return before.published(), nil
		}
		return policy.Published{}, fmt.Errorf("query the %s for %s: %w", r.name, name, err)
	}
	r.memory.put(name, now)
	return now.published(), nil
}
