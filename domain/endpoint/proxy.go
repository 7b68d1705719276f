package endpoint

import (
	"errors"
	"net/url"
)

// ProxyDirect means no proxy, whatever the worker uses.
const ProxyDirect = "direct"

// ValidateProxy accepts "", ProxyDirect, a proxy's address without a password, or a reference
// to an address. Its errors do not show the value, which may contain a password.
func ValidateProxy(proxy string) error {
	if proxy == "" || proxy == ProxyDirect {
		return nil
	}
	if ref := SecretRef(proxy); ref.IsRef() {
		return ref.Validate()
	}
	_, err := ParseProxy(proxy, false)
	return err
}

// ParseProxy reads the address of a proxy, in which a user and password may stand
// if it is a secret.
func ParseProxy(text string, secret bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the proxy is not an address such as http://proxy.example.com:3128, env:NAME, file:/path or direct")
	case u.User != nil && !secret:
		return nil, errors.New("the proxy URL contains a user or password: put it into an environment variable or a file of the worker, and give env:NAME or file:/path in its place")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the proxy URL has a path or a query; use scheme, host and port only")
	}
	return u, validateHost(u.Hostname())
}
