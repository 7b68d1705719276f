package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ThisMachine lets in, on loopback, only who asks for this machine by one of its
// own names: localhost, a loopback address, or the host that it listens at. A page
// elsewhere can have its name resolve to 127.0.0.1 (DNS rebinding), and then its
// scripts are of the same origin: the Host header alone shows the difference.
// Elsewhere the names of this machine are unknown here.
func ThisMachine(next http.Handler, listen string) http.Handler {
	own := []string{"localhost"}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		own = append(own, strings.ToLower(host))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r) && !named(r.Host, own) {
			http.Error(w, "on this machine, ask as localhost or 127.0.0.1, or set a token (--status-token)", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// named reports whether a Host header has a loopback address or one of the names.
func named(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback() || slices.Contains(names, strings.ToLower(host))
}

// onLoopback judges by the address that the connection came in at; an unknown one
// counts as loopback.
func onLoopback(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return true
	}
	at, err := netip.ParseAddrPort(local.String())
	return err != nil || at.Addr().Unmap().IsLoopback()
}
