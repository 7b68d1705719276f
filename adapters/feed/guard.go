package feed

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// guarded connects to the publisher's host wherever it is, and to the hosts that the
// publisher redirects to or names in its listing only if they are not closer to this
// machine than the publisher.
type guarded struct {
	publisher  *url.URL
	home, away *http.Transport
}

func newGuarded(publisher *url.URL, like *http.Transport) guarded {
	g := guarded{publisher: publisher, home: like, away: like.Clone()}
	proxies := outbound.EnvironmentProxies()
	g.away.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: 30 * time.Second}
		if !proxies[address] {
			within := g.reach(ctx)
			dialer = outbound.Checked(dialer, func(a netip.Addr) error { return admit(a, within) })
		}
		return dialer.DialContext(ctx, network, address)
	}
	return g
}

// RoundTrip implements http.RoundTripper. Where a proxy resolves names, it can check
// only addresses that are spelled out.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == g.publisher.Host {
		return g.home.RoundTrip(r)
	}
	if spelled := ipclass.Spelled(r.URL.Hostname()); len(spelled) > 0 {
		within := g.reach(r.Context())
		for _, address := range spelled {
			if err := admit(address, within); err != nil {
				return nil, err
			}
		}
	}
	return g.away.RoundTrip(r)
}

// reach is the address class of the publisher's host; public if its name cannot be
// resolved here.
func (g guarded) reach(ctx context.Context) ipclass.Place {
	host := g.publisher.Hostname()
	addresses := ipclass.Spelled(host)
	if len(addresses) == 0 {
		addresses, _ = net.DefaultResolver.LookupNetIP(ctx, "ip", host) // fails for names that only a proxy can resolve
	}
	if len(addresses) == 0 {
		return ipclass.Public
	}
	closest := ipclass.Loopback
	for _, address := range addresses {
		place, _ := ipclass.Find(address)
		closest = min(closest, place) // one public address makes it public
	}
	return closest
}

func admit(address netip.Addr, within ipclass.Place) error {
	place, purpose := ipclass.Find(address)
	if place == ipclass.Forbidden || place > within {
		return fmt.Errorf("the publisher refers to the address %s (%s), which is closer to this machine than its own: %w", ipclass.Plain(address), purpose, errkind.Invalid)
	}
	return nil
}
