package registry

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/image"
)

// ledTo is the session with the registry that a redirect of this one leads to.
// Names such as lscr.io have no images of their own and redirect all requests to
// another registry, which asks for authorization by itself: it gets its own, and
// its answers count for itself.
func (h *host) ledTo(u *url.URL) (*host, error) {
	return h.client.current.Load().led(image.CanonicalRegistry(u.Host), h.redirectReach(), h.rateLimitAt(u, false))
}

// ledKey is a registry that others lead to, as far as they may.
type ledKey struct {
	named  string
	within reach
}

// led is the session with a registry for those that lead to it.
func (s *setup) led(named string, within reach, rateLimit *rateLimit) (*host, error) {
	key := ledKey{named, within}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, found := s.onward[key]; found && known.rateLimit == rateLimit {
		return known, nil
	}
	settings, err := s.settingsOf(named)
	if err != nil {
		return nil, err
	}
	fresh, err := newHostWithin(s.client, named, settings, within)
	if err != nil {
		return nil, err
	}
	fresh.rateLimit, fresh.within = rateLimit, within
	if len(s.onward) >= mostStrangers {
		clear(s.onward)
	}
	s.onward[key] = fresh
	return fresh, nil
}

// ledBy is the registry that answered the handshake, with what it asks for: this
// one, or one that it redirects to.
func (h *host) ledBy(challenge *transport.Challenge) *host {
	h.mu.Lock()
	ahead := h.ahead
	h.mu.Unlock()
	if ahead == nil {
		return h
	}
	if known := ahead.knownChallenge(); known != nil {
		*challenge = *known
	}
	return ahead
}

// onward sends a request to the registry that this one leads to, with what that
// one is known to ask for.
func (c carrier) onward(req *http.Request) (*http.Response, error) {
	led, err := c.host.ledTo(req.URL)
	if err != nil {
		return nil, err
	}
	path, kind, found := routeOf(req.URL)
	by := c.by
	if by == nil {
		by = &answerer{}
	}
	*by = answerer{host: led, path: path}
	if challenge := led.knownChallenge(); found && challenge != nil {
		by.authorization, by.reused, err = led.authorization(req.Context(), *challenge, path, led.scope(path, kind))
		if err != nil {
			return nil, err
		}
	}
	if by.authorization != "" {
		req.Header.Set("Authorization", by.authorization)
	}
	leave, err := led.rateLimit.acquire(req.Context(), led.counts(req), c.host.probe)
	if err != nil {
		return nil, err
	}
	resp, err := led.transports.home.RoundTrip(req)
	leave.end(resp)
	led.judge(req.Context(), resp, err)
	return resp, err
}

// routeOf reads /v2/<repository>/<kind>/<name>.
func routeOf(u *url.URL) (path, kind string, found bool) {
	parts := strings.Split(strings.TrimPrefix(u.Path, "/v2/"), "/")
	if len(parts) < 3 {
		return "", "", false
	}
	path, kind = strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-2]
	_, err := image.ParseRepository(image.DefaultRegistry + "/" + path) // it becomes part of a scope
	return path, kind, err == nil && slices.Contains([]string{"manifests", "blobs", "tags"}, kind)
}
