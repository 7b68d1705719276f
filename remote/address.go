package remote

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Address reads the address of a server as people type it. Without a scheme it is HTTPS,
// and HTTP on this machine.
func Address(text string) (*url.URL, error) {
	full := text
	if !strings.Contains(text, "://") {
		full = "https://" + text
	}
	parsed, err := url.Parse(full)
	switch {
	case err != nil || parsed.Hostname() == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		return nil, fmt.Errorf("invalid address of a server: expected one such as https://tagwatch.example.com")
	case parsed.User != nil:
		return nil, fmt.Errorf("the address of the server contains a user or password: leave it out, and give a token with TAGWATCH_TOKEN or tagwatch login")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return nil, fmt.Errorf("the address of the server has a query or fragment: expected one such as https://tagwatch.example.com")
	}
	if full != text && onThisMachine(parsed) {
		parsed.Scheme = "http"
	}
	// The description of the API names its prefix, so people may copy it with the address.
	parsed.Path = strings.TrimSuffix(strings.TrimRight(parsed.Path, "/"), prefix)
	return parsed, nil
}

// Exposed reports that whoever is on the way to the server can read the token.
func Exposed(server *url.URL) bool { return server.Scheme == "http" && !onThisMachine(server) }

func onThisMachine(server *url.URL) bool {
	host := server.Hostname()
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
