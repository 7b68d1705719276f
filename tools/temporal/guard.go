package main

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guarded lets a browser reach next on this machine only by one of this machine's own names, and changes only from next's own pages. A page
// elsewhere can have its name resolve to 127.0.0.1 (DNS rebinding), and then its scripts are of the same origin: the Host header alone
// shows the difference. Where other machines connect, their names for this one are unknown here, and the origin alone is checked. The
// worker's door package guards alike.
func guarded(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r) && !namesThisMachine(r.Host) {
			http.Error(w, "open the Web UI as localhost or 127.0.0.1", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onLoopback judges by the address that the connection came in at; an unknown one counts as loopback.
func onLoopback(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return true
	}
	at, err := netip.ParseAddrPort(local.String())
	return err != nil || at.Addr().Unmap().IsLoopback()
}

// namesThisMachine reports whether a Host header is localhost or a loopback address.
func namesThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
