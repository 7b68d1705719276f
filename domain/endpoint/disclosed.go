package endpoint

import "net/url"

// Disclosed is the endpoint without what may be a secret: the path of its URL, which is
// the secret of many receivers, the proxy, and the values of headers.
func (e Endpoint) Disclosed() Endpoint {
	if !SecretRef(e.URL).IsRef() {
		e.URL = originOf(e.URL)
	}
	if e.Proxy != "" && e.Proxy != ProxyDirect && !SecretRef(e.Proxy).IsRef() {
		e.Proxy = "..."
	}
	if e.Headers != nil {
		shown := map[string]string{}
		for name := range e.Headers {
			shown[name] = "..."
		}
		e.Headers = shown
	}
	return e
}

func originOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "..."
	}
	return parsed.Scheme + "://" + parsed.Host + "/..."
}
