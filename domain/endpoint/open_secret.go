package endpoint

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Services whose webhook addresses are secrets: anybody who has one can post. A path of ""
// stands for all.
var secretAddresses = []struct{ host, path string }{
	{"hooks.slack.com", ""},
	{"hooks.slack-gov.com", ""},
	{"discord.com", "/api/"},
	{"discordapp.com", "/api/"},
	{"webhook.office.com", ""},
	{"logic.azure.com", ""},
	{"api.powerplatform.com", ""},
}

// Parameters and headers that carry secrets, in lower case.
var (
	secretParameters = []string{"access_token", "api_key", "api-key", "apikey", "auth", "authorization", "code", "key", "passwd", "password",
		"secret", "sig", "signature", "token"}
	secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-auth-token", "x-gitlab-token", "x-vault-token"}
)

// HoldsSecret reports whether a URL is or contains a secret, and must be given by reference.
func HoldsSecret(address string) bool {
	u, err := ParseURL(address, "user", notification.TagUpdate)
	return err == nil && openSecret(u) != nil
}

// openSecret rejects an address that would store a secret in the database. Its errors do not
// show it.
func openSecret(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	for _, service := range secretAddresses {
		if (host == service.host || strings.HasSuffix(host, "."+service.host)) && strings.HasPrefix(u.Path, service.path) {
			return errors.New("anyone who knows a URL of " + service.host + " can post there: put it into an environment variable or a file of the worker, and give env:NAME or file:/path in place of the URL")
		}
	}
	for name := range u.Query() {
		if slices.Contains(secretParameters, strings.ToLower(name)) {
			return errors.New("the URL contains a secret in its parameter " + name + ": put the URL into an environment variable or a file of the worker, and give env:NAME or file:/path in its place")
		}
	}
	return nil
}
