package config

import (
	"fmt"
	"net/url"
	"strings"
)

// validatePage names what is wrong about the status page.
func (w Worker) validatePage() error {
	kind, name, _ := strings.Cut(w.StatusToken, ":")
	if w.StatusToken != "" && (kind != "env" && kind != "file" || name == "") {
		// What was given may be the token itself.
		return fmt.Errorf("--status-token (TAGWATCH_STATUS_TOKEN) is a reference, env:NAME or file:/path, and not the token itself")
	}
	parsed, err := url.Parse(w.TemporalUI)
	if w.TemporalUI != "" && (err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https") {
		return fmt.Errorf("--temporal-ui (TAGWATCH_TEMPORAL_UI) %q is not a URL such as http://127.0.0.1:8233", w.TemporalUI)
	}
	return validatePublicURL(w.PublicURL)
}

// validatePublicURL refuses what receivers could not follow, or should not see.
func validatePublicURL(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case address == "":
		return nil
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		return fmt.Errorf("--public-url (TAGWATCH_PUBLIC_URL) is not an address such as https://tagwatch.example.com")
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		return fmt.Errorf("--public-url (TAGWATCH_PUBLIC_URL) has a user, query or fragment; use scheme, host and path only")
	}
	return nil
}
