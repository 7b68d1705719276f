package packages

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const maxRedirects = 3

// newClient connects to one registry.
func newClient(base *url.URL, options Options) (*http.Client, error) {
	for _, address := range ipclass.Spelled(base.Hostname()) { // behind a proxy, nothing else is dialed here
		if err := check(address, true); err != nil {
			return nil, fmt.Errorf("package registry %s: %w: %w", base.Host, errkind.Invalid, err)
		}
	}
	transport, err := outbound.Transport(options.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities of the package registries: %w", err)
	}
	transport.DialContext = newGuard(base.Hostname()).dial
	transport.MaxIdleConnsPerHost = options.Connections
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}, nil
}

// checkRedirect follows redirects within the registry only, and returns others as
// answers.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if len(before) > maxRedirects || next.URL.Hostname() != first.Hostname() || first.Scheme == "https" && next.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}
