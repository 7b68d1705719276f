package config

import "fmt"

// validatePush names what is missing to receive push notifications.
func (w Worker) validatePush() error {
	switch {
	case w.PushAddress != "" && w.PushSources == "":
		return fmt.Errorf("--push-address (TAGWATCH_PUSH_ADDRESS) without --push-sources: name the file of the registries that push; tagwatch push example shows one")
	case w.PushAddress == "" && w.PushSources+w.PushCertFile+w.PushKeyFile != "":
		return fmt.Errorf("--push-sources, --push-cert-file and --push-key-file require --push-address (TAGWATCH_PUSH_ADDRESS)")
	case (w.PushCertFile == "") != (w.PushKeyFile == ""):
		return fmt.Errorf("--push-cert-file and --push-key-file go together")
	}
	return nil
}
