package endpoint_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/endpoint"
)

func TestValidateProxy(t *testing.T) {
	t.Parallel()
	for proxy, says := range map[string]string{
		"":                                  "",
		"direct":                            "",
		"http://proxy.example.com:3128":     "",
		"https://proxy.example.com/":        "",
		"env:HTTPS_PROXY":                   "",
		"file:/run/secrets/proxy":           "",
		"proxy.example.com:3128":            "is not an address",
		"socks5://proxy.example.com":        "is not an address",
		"none":                              "is not an address",
		"http://u:hunter2@proxy.example":    "user or password",
		"http://proxy.example.com/path":     "path or a query",
		"http://2130706433:3128":            "is a number",
		"env:not a name":                    "by reference",
		"http://proxy.example.com:hunter2x": "is not an address",
	} {
		err := endpoint.ValidateProxy(proxy)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: %v, want %q", proxy, err, says)
		}
	}
}
