package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ThisMachine admits, on loopback, only requests whose Host header is one of this
// machine's own names: localhost, a loopback address, or the host that it listens
// at. A hostile site can make its name resolve to 127.0.0.1 (DNS rebinding), and
// then its scripts have the same origin: only the Host header differs. On other
// addresses every Host is admitted, since this machine's names there are unknown.
// refuse answers the others, with status 403 and WrongHost.
func ThisMachine(next http.Handler, listen string, refuse http.HandlerFunc) http.Handler {
	own := []string{"localhost"}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		own = append(own, strings.ToLower(host))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if OnLoopback(r) && !named(r.Host, own) {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// WrongHost is what to say to a request whose Host header ThisMachine does not admit.
const WrongHost = "the host of the request does not name this machine; use localhost or 127.0.0.1"

// Methods are those for which the mux has a pattern that names them and matches the
// address of the request.
func Methods(mux *http.ServeMux, r *http.Request) (allowed []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	return allowed
}

// named reports whether a Host header has a loopback address or one of the names.
func named(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback() || slices.Contains(names, strings.ToLower(host))
}

// OnLoopback reports whether a request came from this machine, by the address that the
// connection came in at; an unknown one counts as loopback.
func OnLoopback(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return true
	}
	at, err := netip.ParseAddrPort(local.String())
	return err != nil || at.Addr().Unmap().IsLoopback()
}
