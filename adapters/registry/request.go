package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	digestHeader = "Docker-Content-Digest"
	maxRedirects = 5
)

// errSilent reports that a mirror did not answer in time.
var errSilent = errors.New("no answer in time")

// query is what is asked of a repository.
type query struct {
	method     string
	repository image.Repository
	resource   string       // as "manifests/latest"
	digest     image.Digest // that the resource is named by; "" if it is not
	accept     []string
	transfer   bool // the body is long, and counts as a transfer until it is closed
}

// kind is what the query is for: manifests, blobs or tags.
func (q query) kind() string {
	kind, _, _ := strings.Cut(q.resource, "/")
	return kind
}

// eachPlace asks the places where the repository is found for what the query is
// about, until one gives an answer that counts.
func (r *Registry) eachPlace(ctx context.Context, q query, ask func(place) error) error {
	places, err := r.inForce(ctx).places(q.repository, q.digest != "")
	if err != nil {
		return err
	}
	for _, at := range places {
		if at.mirror && q.digest != "" && !at.host.trusts(q.digest) {
			continue
		}
		err = ask(at)
		if err == nil || ctx.Err() != nil || !at.mirror || !(q.digest != "" || errors.Is(err, errkind.NotFound)) {
			return err
		}
	}
	return err
}

// ask sends a query to one place. The caller closes the answer's body.
func (p place) ask(ctx context.Context, q query) (*http.Response, error) {
	release := func() {}
	if q.transfer {
		var err error
		if release, err = p.host.rateLimit.transfer(ctx); err != nil {
			return nil, err
		}
	}
	resp, err := p.patiently(ctx, q)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &ending{resp.Body, release}
	return resp, nil
}

// patiently sends a query, and gives a mirror that does not answer little time:
// there is another place to ask.
func (p place) patiently(ctx context.Context, q query) (*http.Response, error) {
	if !p.mirror {
		return p.send(ctx, q)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(p.host.client.timeouts.mirror, func() { cancel(errSilent) })
	resp, err := p.send(ctx, q)
	timer.Stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Body = &ending{resp.Body, func() { cancel(nil) }}
	return resp, nil
}

// ending is a body with something to do when it is closed.
type ending struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// send asks one place, and returns the answer if it is a success. The caller
// closes its body.
func (p place) send(ctx context.Context, q query) (*http.Response, error) {
	resp, by, err := p.host.attempt(ctx, p.path, q, false)
	for range mostChallenges {
		if challenge := challengeOf(err); challenge == nil || !by.host.learn(by.path, q.kind(), challenge) {
			break
		}
		resp, by, err = p.host.attempt(ctx, p.path, q, false)
	}
	if by.reused && errors.Is(err, errkind.Unauthorized) && by.host.doubts(ctx, by.path) {
		// Tokens can end early and registries change their mind: begin anew, once.
		by.host.forget(by.host.scope(by.path, q.kind()), challengeOf(err))
		resp, by, err = p.host.attempt(ctx, p.path, q, true)
		if errors.Is(err, errkind.Unauthorized) && by.host != nil {
			by.host.denied(ctx, by.path)
		}
	}
	return resp, err
}

// answerer is who answered a request, the registry or who it redirects to, and
// what that host was shown.
type answerer struct {
	host          *host // nil for a host that is no registry
	path          string
	authorization string
	reused        bool // the authorization was used before
}

// attempt sends one request. The last one judges credentials even if somebody
// else has just learned them.
func (h *host) attempt(ctx context.Context, path string, q query, last bool) (*http.Response, *answerer, error) {
	by := &answerer{host: h, path: path}
	challenge, err := h.handshake(ctx)
	if err != nil {
		return nil, by, err
	}
	by.authorization, by.reused, err = h.authorization(ctx, challenge, path, h.scope(path, q.kind()))
	if err != nil {
		return nil, by, err
	}
	address := h.address(challenge.Insecure)
	route, parameters, _ := strings.Cut(q.resource, "?")
	address.Path, address.RawQuery = "/v2/"+path+"/"+route, parameters
	req, err := http.NewRequestWithContext(ctx, q.method, address.String(), nil)
	if err != nil {
		return nil, by, fmt.Errorf("ask %s for %s: %w: %w", h.name, q.resource, errkind.Invalid, err)
	}
	if len(q.accept) > 0 {
		req.Header.Set("Accept", strings.Join(q.accept, ", "))
	}
	client := http.Client{Transport: carrier{host: h, authorization: by.authorization, by: by}, CheckRedirect: h.checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, by, h.explain(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, by, withChallenge(h.refusal(ctx, resp, by, last), resp)
	}
	return resp, by, nil
}

// address is the root of the registry.
func (h *host) address(plain bool) url.URL {
	address := url.URL{Scheme: "https", Host: h.registry.RegistryStr()}
	if plain {
		address.Scheme = "http"
	}
	return address
}

// checkRedirect ends a chain of redirects. Where each may lead is the carrier's
// to say.
func (h *host) checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects: %w", maxRedirects, errkind.Invalid)
	}
	return nil
}

// owns reports whether a URL is the registry's own, to which credentials may go.
func (h *host) owns(u *url.URL) bool { return sameHost(u.Host, h.registry.RegistryStr()) }

// sameHost compares hosts for TLS, where port 443 goes without saying.
func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, ":443"), strings.TrimSuffix(b, ":443"))
}

// carrier sends requests on behalf of a host. Those to the registry itself use
// its rate limit; those it redirects to elsewhere have a shorter reach. The
// authorization goes to one host alone: the registry, unless another is named.
type carrier struct {
	host          *host
	authorization string
	to            string    // "" for the registry
	tokens        bool      // the request is for a token
	first         bool      // no answer says nothing yet, there is another way to ask
	by            *answerer // who answers; nil where the caller does not need it
}

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	h := c.host
	if req.URL.Scheme != "https" && !h.plainTo(req) {
		return nil, fmt.Errorf("%s over plain HTTP: %w", req.URL.Host, errPlain)
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", h.client.userAgent)
	req.Header.Del("Authorization") // net/http carries it over to subdomains
	req.Header.Del("Referer")       // which names the user to whom a token was to be issued
	if err := h.admits(req.URL); err != nil {
		return nil, err
	}
	if c.authorization != "" && (c.to == "" && h.owns(req.URL) || c.to != "" && sameHost(c.to, req.URL.Host)) {
		req.Header.Set("Authorization", c.authorization)
	}
	if !h.owns(req.URL) {
		return c.elsewhere(req)
	}
	if c.by != nil && c.by.host != h { // led back
		*c.by = answerer{host: h, path: c.by.path, authorization: c.authorization}
	}
	leave, err := h.rateLimitAt(req.URL, c.tokens).acquire(req.Context(), !c.tokens && h.counts(req), h.probe)
	if err != nil {
		return nil, err
	}
	resp, err := h.transports.home.RoundTrip(req)
	leave.end(resp)
	if err == nil || !c.first {
		h.judge(req.Context(), resp, err)
	}
	return resp, err
}

// elsewhere sends a request to where the registry leads it.
func (c carrier) elsewhere(req *http.Request) (*http.Response, error) {
	h := c.host
	if strings.HasPrefix(req.URL.Path, "/v2/") && !c.tokens {
		return c.onward(req)
	}
	if c.by != nil {
		*c.by = answerer{}
	}
	leave, err := h.rateLimitAt(req.URL, c.tokens).acquire(req.Context(), false, h.probe)
	if err != nil {
		return nil, err
	}
	resp, err := h.transports.away[h.redirectReach()].RoundTrip(req)
	leave.end(resp)
	if c.tokens && (err != nil || resp.StatusCode >= http.StatusInternalServerError) {
		h.judge(req.Context(), resp, err) // without tokens there is no registry
	}
	return resp, err
}

// plainTo reports whether a request may go over plain HTTP. A redirect gives TLS
// up only for hosts that are named for it.
func (h *host) plainTo(req *http.Request) bool {
	u := req.URL
	if req.Response != nil && req.Response.Request.URL.Scheme == "https" {
		return h.client.insecure(u.Host)
	}
	return h.owns(u) && h.settings.plain || h.client.plainAllowed(u.Host) || h.client.insecure(u.Host)
}

// counts reports whether the host counts a request against the limit that it
// announces. Docker Hub counts what begins a pull, which is a GET of a manifest.
func (h *host) counts(req *http.Request) bool {
	if h.name != image.DefaultRegistry {
		return req.URL.Path != "/v2/" // the handshake tries two ways side by side
	}
	return req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/manifests/")
}

// readAll reads a body that may not be larger than limit bytes.
func readAll(body io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("larger than the limit of %d bytes: %w", limit, errkind.Limit)
	}
	return content, nil
}
