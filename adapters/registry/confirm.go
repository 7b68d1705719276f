package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// answeredFor is how long a registry that answered as one is believed to do so.
const answeredFor = time.Second

// confirmed is a verdict about an image if the registry itself answers as one,
// and otherwise what is wrong with the registry: an ingress without a backend
// answers everything with 404, and a log-in page everything with itself.
func (h *host) confirmed(ctx context.Context, verdict error, plain bool) error {
	_, err := h.once(ctx, "confirm", func() (any, error) { return nil, h.confirm(ctx, plain) })
	if err == nil {
		return verdict
	}
	return err
}

func (h *host) confirm(ctx context.Context, plain bool) error {
	h.mu.Lock()
	recent := time.Since(h.confirmedAt) < answeredFor
	h.mu.Unlock()
	if recent {
		return nil
	}
	resp, err := h.root(ctx, "", plain)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := speaks(resp); err != nil {
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("%s %w: %w", h.name, err, errkind.Unavailable)
		}
		return h.rateLimit.leave(fmt.Errorf("%s %w", h.name, err), longestBreak)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.confirmedAt = time.Now()
	return nil
}

// speaks reports whether an answer to /v2/ is that of a registry. See
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support.
func speaks(resp *http.Response) error {
	switch {
	case resp.Header.Get("Docker-Distribution-Api-Version") != "":
		return nil
	case resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") != "":
		return nil
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("answers %d %s to /v2/, and not as a registry", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return fmt.Errorf("breaks off its answer to /v2/: %w", err)
	}
	if text := strings.TrimSpace(string(body)); text != "" && !json.Valid(body) {
		return errors.New("answers /v2/ with a page, and not as a registry")
	}
	return nil
}

// doubt is an error about what a tag names, after a check whether its registry
// is one: content that makes no sense may be a page that it shows for everything.
func (r *Registry) doubt(ctx context.Context, ref image.Reference, err error) error {
	if !errors.Is(err, errkind.Invalid) || ctx.Err() != nil {
		return err
	}
	at, unknown := r.inForce(ctx).places(ref.Repository, false)
	if unknown != nil {
		return err
	}
	h := at[len(at)-1].host
	known := h.knownChallenge()
	if known == nil {
		return err // about the registry already: it came no further than the handshake
	}
	return h.confirmed(ctx, err, known.Insecure)
}
