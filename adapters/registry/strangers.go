package registry

import (
	"net/url"
	"strings"
	"sync"
)

// mostStrangers bounds the memory of the hosts that registries lead to.
const mostStrangers = 500

// strangers are the budgets of what registries lead to: token services, stores
// of blobs and other registries. Registries that share one of them share its
// budget, and what one of them asks for counts for itself alone.
type strangers struct {
	mu      sync.Mutex
	budgets map[string]*budget // by what they are, as "token service auth.docker.io"
}

// of is the budget of a stranger, made with the settings of whoever leads there
// first.
func (s *strangers) of(what string, settings hostSettings) *budget {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, found := s.budgets[what]; found {
		return known
	}
	if s.budgets == nil || len(s.budgets) >= mostStrangers {
		s.budgets = map[string]*budget{}
	}
	made := newBudget(what, settings.perSecond, settings.concurrency)
	s.budgets[what] = made
	return made
}

// budgetAt is the budget of whoever answers at a URL. A token service has its
// own, also where it is at the registry's host: it is limited by itself.
func (h *host) budgetAt(u *url.URL, tokens bool) *budget {
	switch at := strings.ToLower(u.Host); {
	case tokens:
		return h.client.strangers.of("token service "+at, h.settings)
	case h.owns(u):
		return h.budget
	default:
		if known := h.client.current.Load().session(at); known != nil {
			return known.budget
		}
		return h.client.strangers.of("host "+at, h.settings)
	}
}
