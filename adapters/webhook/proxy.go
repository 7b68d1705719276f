package webhook

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// readProxy finds the proxy for an endpoint: its own, or that of the worker; nil for a
// direct connection. Environment variables such as HTTPS_PROXY are used only by
// reference (env:HTTPS_PROXY), because a proxy for the internet seldom reaches
// receivers.
func (s *Sender) readProxy(e endpoint.Endpoint, c *credentials) (*url.URL, error) {
	proxy := cmp.Or(e.Proxy, s.proxy)
	if proxy == "" || proxy == endpoint.ProxyDirect {
		return nil, nil
	}
	secret := endpoint.SecretRef(proxy).IsRef()
	if secret {
		value, err := s.secrets(endpoint.SecretRef(proxy))
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: proxy %s: %w", e.Name, proxy, err)
		}
		c.hide(value)
		proxy = value
	}
	address, err := endpoint.ParseProxy(proxy, secret)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", e.Name, err)
	}
	if password, found := address.User.Password(); found {
		c.hide(password)
		c.hide(basic(address.User.Username(), password))
	}
	return address, nil
}

// checkTarget checks a receiver behind a proxy by its host alone: only the proxy
// resolves the name.
func (g guard) checkTarget(host string) error {
	name := strings.ToLower(strings.TrimRight(host, "."))
	spelled := ipclass.Spelled(host)
	for _, address := range spelled {
		if err := g.check(name, address); err != nil {
			return err
		}
	}
	var unresolved netip.Addr // no network contains it
	if len(spelled) > 0 || g.allow.match(name, unresolved) || !g.deny.match(name, unresolved) {
		return nil
	}
	return refusal{host: host, reason: "denied by configuration"}
}
