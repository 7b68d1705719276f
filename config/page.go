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
		return fmt.Errorf("--temporal-ui (TAGWATCH_TEMPORAL_UI) %q is no address such as http://127.0.0.1:8233", w.TemporalUI)
	}
	return nil
}
