package registry

import (
	"net/url"
	"strings"
	"sync"

	"github.com/tagwatch/tagwatch/domain/image"
)

// mostStrangers bounds the memory of the hosts that registries lead to.
const mostStrangers = 500

// strangers are the rate limits of what registries lead to: token services, stores
// of blobs and other registries. Registries that share one of them share its
// rate limit, and what one of them asks for counts for itself alone.
type strangers struct {
	mu         sync.Mutex
	rateLimits map[string]*rateLimit // by what they are, as "token service auth.docker.io"
}

// of is the rate limit of a stranger, made with the settings of whoever leads there
// first.
func (s *strangers) of(client *Registry, what string, settings hostSettings) *rateLimit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, found := s.rateLimits[what]; found {
		return known
	}
	if s.rateLimits == nil || len(s.rateLimits) >= mostStrangers {
		s.rateLimits = map[string]*rateLimit{}
	}
	made := newRateLimit(client, what, settings.perSecond, settings.concurrency)
	s.rateLimits[what] = made
	return made
}

// rateLimitAt is the rate limit of whoever answers at a URL. A token service has its
// own, also where it is at the registry's host: it is limited by itself.
func (h *host) rateLimitAt(u *url.URL, tokens bool) *rateLimit {
	switch at := strings.ToLower(u.Host); {
	case tokens:
		return h.client.strangers.of(h.client, "token service "+at, h.settings)
	case h.owns(u):
		return h.rateLimit
	default:
		if known := h.client.current.Load().session(image.CanonicalRegistry(at)); known != nil {
			return known.rateLimit
		}
		return h.client.strangers.of(h.client, "host "+at, h.settings)
	}
}
