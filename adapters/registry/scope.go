package registry

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// maxScope bounds the scope that a registry may ask for.
const maxScope = 512

// pullScope is what reading a repository needs at most registries. Some grant
// the list of tags apart from it.
func pullScope(path string) string { return "repository:" + path + ":pull" }

// scope is what a token for a query has to be for: what the registry named when
// it refused such a query, or else pulling.
func (h *host) scope(path string, q query) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if named, found := h.scopes[scopeKey(path, q)]; found {
		return named
	}
	return pullScope(path)
}

func scopeKey(path string, q query) string {
	kind, _, _ := strings.Cut(q.resource, "/")
	return path + " " + kind
}

// accept remembers the scope that the registry wants for such queries, and tells
// whether it is news. It has to be one of the same repository.
func (h *host) accept(path string, q query, scope string) bool {
	if len(scope) > maxScope || scope == h.scope(path, q) {
		return false
	}
	for _, part := range strings.Fields(scope) {
		if !strings.HasPrefix(part, "repository:"+path+":") {
			return false
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scopes[scopeKey(path, q)] = scope
	return true
}

// scopeError is a refusal that names what a token would have to be for.
type scopeError struct {
	error
	scope string
}

// Unwrap is the refusal.
func (e *scopeError) Unwrap() error { return e.error }

var scopePattern = regexp.MustCompile(`(?i)^\s*bearer\s.*\bscope\s*=\s*"([^"]+)"`)

// withScope adds the scope that the answer names to a refusal.
func withScope(refused error, resp *http.Response) error {
	if !errors.Is(refused, errkind.Unauthorized) {
		return refused
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if found := scopePattern.FindStringSubmatch(challenge); found != nil {
			return &scopeError{refused, found[1]}
		}
	}
	return refused
}
