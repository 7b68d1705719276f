package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// validateAPI names what is missing to serve the HTTP API.
func (w Worker) validateAPI() error {
	switch {
	case w.APIListen == "" && slices.Contains(w.Serve, "api"):
		return fmt.Errorf("the role api (--serve, TAGWATCH_SERVE) requires --api-listen (TAGWATCH_API_LISTEN), such as 127.0.0.1:8236")
	case w.APIListen == "" && w.APICertFile+w.APIKeyFile != "":
		return fmt.Errorf("--api-cert-file and --api-key-file require --api-listen (TAGWATCH_API_LISTEN)")
	case (w.APICertFile == "") != (w.APIKeyFile == ""):
		return fmt.Errorf("--api-cert-file and --api-key-file go together")
	}
	return w.validateOIDC()
}

// validateOIDC names what is missing to accept tokens of an issuer.
func (w Worker) validateOIDC() error {
	given := w.OIDCIssuer != "" || w.OIDCAudience != "" || len(w.OIDCScopes) > 0
	issuer, err := url.Parse(w.OIDCIssuer)
	switch {
	case !given:
		return nil
	case w.APIListen == "":
		return fmt.Errorf("--api-oidc-issuer, --api-oidc-audience and --api-oidc-scope require --api-listen (TAGWATCH_API_LISTEN)")
	case w.OIDCIssuer == "" || w.OIDCAudience == "" || len(w.OIDCScopes) == 0:
		return fmt.Errorf("--api-oidc-issuer, --api-oidc-audience and --api-oidc-scope go together")
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && !(issuer.Scheme == "http" && isLoopback(issuer.Hostname())):
		return fmt.Errorf("--api-oidc-issuer (TAGWATCH_API_OIDC_ISSUER) %q is not a URL such as https://issuer.example.com; http is for this machine only", w.OIDCIssuer)
	}
	return nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
