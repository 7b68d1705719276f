package main

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guarded admits browsers on this machine only with a Host header of this machine's own names, and unsafe requests only from next's own
// pages. A hostile site can make its name resolve to 127.0.0.1 (DNS rebinding), and then its scripts have the same origin: only the Host
// header differs. From other machines, whose names for this one are unknown here, only the origin is checked. The worker's package
// httpserver does the same; this module cannot import it.
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

// onLoopback reports whether the connection arrived at a loopback address; an unknown address counts as loopback.
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
