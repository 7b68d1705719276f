package push

import (
	"cmp"
	"net/url"
	"strings"
)

// githubHost is the registry of GitHub Packages' containers.
const githubHost = "ghcr.io"

type githubPackage struct {
	Name      string
	Namespace string
	Type      string `json:"package_type"`
	Version   struct {
		URL       string `json:"package_url"`
		Container struct {
			Tag struct{ Name string }
		} `json:"container_metadata"`
	} `json:"package_version"`
}

// parseGitHub reads the bodies of the events package and registry_package, which
// name the same package under different keys. Everything else, such as the ping
// of a new webhook, names no container. GitHub sends a form with the JSON in it
// unless the webhook was set to JSON.
//
// Specification: https://docs.github.com/webhooks/webhook-events-and-payloads#package
func parseGitHub(body []byte) ([]mention, error) {
	var hook struct {
		Package  *githubPackage
		Registry *githubPackage `json:"registry_package"`
	}
	if err := decode(githubJSON(body), &hook); err != nil {
		return nil, err
	}
	pushed := cmp.Or(hook.Package, hook.Registry)
	if pushed == nil || !strings.EqualFold(pushed.Type, "container") {
		return nil, nil
	}
	return pushed.mentions(), nil
}

func githubJSON(body []byte) []byte {
	form, isForm := strings.CutPrefix(string(body), "payload=")
	if !isForm {
		return body
	}
	content, _, _ := strings.Cut(form, "&")
	text, err := url.QueryUnescape(content)
	if err != nil {
		return body
	}
	return []byte(text)
}

// mentions prefers the address, which has the name as it is pulled; the owner's
// has capitals where the registry has none. A version without a tag moves none.
func (p githubPackage) mentions() []mention {
	m := mentioned(p.Version.URL)
	if m.host != githubHost {
		m = mention{host: githubHost, path: strings.ToLower(p.Namespace + "/" + p.Name)}
	}
	if m.tag = cmp.Or(p.Version.Container.Tag.Name, m.tag); m.tag == "" {
		return nil
	}
	return []mention{m}
}
