package packages

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tagwatch/tagwatch/adapters/outbound"
)

const maxRedirects = 3

// newClient reaches one registry. It honours the proxy variables of the
// environment.
func newClient(base *url.URL, options Options) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = newGuard(base.Hostname()).dial
	transport.MaxIdleConnsPerHost = options.Connections
	if options.CAFile != "" {
		roots, err := outbound.RootsFile(options.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities of the package registries: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}, nil
}

// checkRedirect follows redirects within the registry only. Others are answers.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if len(before) > maxRedirects || next.URL.Hostname() != first.Hostname() || first.Scheme == "https" && next.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}
