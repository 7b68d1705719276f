package registry

import "strings"

// maxScope bounds the scope that a registry may ask for.
const maxScope = 512

// pullScope is what reading a repository needs at most registries. Some grant
// the list of tags apart from it.
func pullScope(path string) string { return "repository:" + path + ":pull" }

// scope is what a token for a query has to be for: what the registry named when
// it refused such a query, or else pulling.
func (h *host) scope(path, kind string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if named, found := h.scopes[path+" "+kind]; found {
		return named
	}
	return pullScope(path)
}

// accept remembers the scope that the registry wants for such queries, and tells
// whether it is news. It has to be one of the same repository.
func (h *host) accept(path, kind, scope string) bool {
	if scope == "" || len(scope) > maxScope || scope == h.scope(path, kind) {
		return false
	}
	for _, part := range strings.Fields(scope) {
		if !strings.HasPrefix(part, "repository:"+path+":") {
			return false
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.scopes) >= mostTokens {
		clear(h.scopes)
	}
	h.scopes[path+" "+kind] = scope
	return true
}
