package client

import (
	"cmp"
	"os"
	"strings"

	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// Options reads how to connect to Temporal from its own variables, profiles and
// configuration file.
func Options() (sdk.Options, error) {
	return envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: trimmed{}})
}

// Namespace is the one that the settings of Temporal's client name.
func Namespace() string {
	options, err := Options()
	if err != nil {
		return sdk.DefaultNamespace
	}
	return cmp.Or(options.Namespace, sdk.DefaultNamespace)
}

// trimmed is the environment without line breaks at the end of values: a key from
// a file, as Kubernetes hands out secrets, tends to have one, which no header may
// hold.
type trimmed struct{}

func (trimmed) Environ() []string {
	all := os.Environ()
	for i, variable := range all {
		all[i] = withoutBreak(variable)
	}
	return all
}

func (trimmed) LookupEnv(name string) (string, bool) {
	value, found := os.LookupEnv(name)
	return withoutBreak(value), found
}

func withoutBreak(value string) string { return strings.TrimRight(value, "\r\n") }
