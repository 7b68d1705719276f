package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	digestHeader = "Docker-Content-Digest"
	maxRedirects = 5
)

// send asks a repository's registry for a resource, as "manifests/latest", and
// returns the answer if it is a success. The caller closes its body.
func (r *Registry) send(ctx context.Context, method string, repository image.Repository, resource string, accept ...string) (*http.Response, error) {
	h, err := r.host(repository.Registry)
	if err != nil {
		return nil, err
	}
	path := pathAt(repository)
	resp, reused, err := h.attempt(ctx, method, path, resource, accept)
	if reused && errors.Is(err, fault.Unauthorized) {
		// Tokens can end early and registries change their mind: begin anew, once.
		h.forget(path)
		resp, _, err = h.attempt(ctx, method, path, resource, accept)
	}
	return resp, err
}

// attempt sends one request, and tells whether it used what was learned before.
func (h *host) attempt(ctx context.Context, method, path, resource string, accept []string) (resp *http.Response, reused bool, err error) {
	challenge, err := h.handshake(ctx)
	if err != nil {
		return nil, false, err
	}
	authorization, reused, err := h.authorization(ctx, challenge, path)
	if err != nil {
		return nil, false, err
	}
	address := url.URL{Scheme: "https", Host: h.registry.RegistryStr()}
	if challenge.Insecure {
		address.Scheme = "http"
	}
	route, query, _ := strings.Cut(resource, "?")
	address.Path, address.RawQuery = "/v2/"+path+"/"+route, query
	req, err := http.NewRequestWithContext(ctx, method, address.String(), nil)
	if err != nil {
		return nil, false, fmt.Errorf("ask %s for %s: %w: %w", h.name, resource, fault.Invalid, err)
	}
	if len(accept) > 0 {
		req.Header.Set("Accept", strings.Join(accept, ", "))
	}
	client := http.Client{Transport: carrier{host: h, authorization: authorization}, CheckRedirect: h.checkRedirect}
	if resp, err = client.Do(req); err != nil {
		return nil, reused, h.explain(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, reused, h.refusal(resp, authorization)
	}
	return resp, reused, nil
}

// checkRedirect stops a redirect to an address that is not allowed even before
// it is dialed: behind a proxy it is not the worker that dials.
func (h *host) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects: %w", maxRedirects, fault.Invalid)
	}
	if address, err := netip.ParseAddr(req.URL.Hostname()); err == nil && !h.owns(req.URL) {
		return h.redirectReach().admit(address)
	}
	return nil
}

// owns tells whether a URL is the registry's own, to which credentials may go.
func (h *host) owns(u *url.URL) bool { return strings.EqualFold(u.Host, h.registry.RegistryStr()) }

// carrier sends requests on behalf of a host. Those to the registry itself use
// its budget and carry the authorization; those it redirects to elsewhere carry
// none and have a shorter reach.
type carrier struct {
	host          *host
	authorization string
}

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	h := c.host
	if req.URL.Scheme != "https" && !h.client.plainAllowed(req.URL.Host) {
		return nil, fmt.Errorf("%s over plain HTTP: %w", req.URL.Host, errPlain)
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", h.client.userAgent)
	if !h.owns(req.URL) {
		return h.client.transports[h.redirectReach()].RoundTrip(req)
	}
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	release, err := h.budget.acquire(req.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	resp, err := h.home.RoundTrip(req)
	if err == nil {
		h.budget.note(resp)
	}
	return resp, err
}

// readAll reads a body that may not be larger than limit bytes.
func readAll(body io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("larger than the limit of %d bytes: %w", limit, fault.Limit)
	}
	return content, nil
}
