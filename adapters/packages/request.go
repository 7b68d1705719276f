package packages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// maxETag bounds, in bytes, the ETags that are remembered.
const maxETag = 256

// query requests one package; the registry may answer that before is still current.
func (r *registry) query(ctx context.Context, name string, before entry) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	response, err := r.send(ctx, name, before.etag)
	if err != nil {
		return entry{}, fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return r.read(response)
	case http.StatusNotModified:
		before.at = time.Now()
		return before, nil
	case http.StatusNotFound, http.StatusGone:
		return entry{at: time.Now()}, nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return entry{}, fmt.Errorf("it answered %s; registries that require credentials are not supported: %w", response.Status, errkind.Unauthorized)
	}
	if target, err := response.Location(); err == nil {
		return entry{}, fmt.Errorf("it redirects to %s, which is not followed: configure that registry: %w", target.Host, errkind.Unavailable)
	}
	return entry{}, fmt.Errorf("it answered %s: %w", response.Status, errkind.Unavailable)
}

func (r *registry) send(ctx context.Context, name, etag string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.JoinPath(r.dialect.path(name)).String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", r.dialect.accept)
	if r.options.UserAgent != "" {
		request.Header.Set("User-Agent", r.options.UserAgent)
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	return r.client.Do(request)
}

// read reads the description of a package.
func (r *registry) read(response *http.Response) (entry, error) {
	published, err := r.dialect.read(outbound.Bounded(response.Body, r.options.MaxAnswer))
	if err != nil {
		if !errors.Is(err, errkind.Limit) {
			err = fmt.Errorf("%w: %w", errkind.Unavailable, err)
		}
		return entry{}, fmt.Errorf("its answer cannot be read: %w", err)
	}
	etag := response.Header.Get("ETag")
	if len(etag) > maxETag {
		etag = ""
	}
	return newEntry(published, etag, time.Now()), nil
}
