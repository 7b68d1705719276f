package config

import (
	"fmt"
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
	return nil
}
