package main

import (
	"context"
	"io"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func TestOptions(t *testing.T) {
	standard := options{
		dataDir: "data", ip: netip.MustParseAddr("127.0.0.1"), port: 7233, uiPort: 8233,
		namespace: "default", retention: 7 * 24 * time.Hour, logLevel: "error",
	}
	with := func(change func(*options)) options { o := standard; change(&o); return o }
	tests := []struct {
		name string
		args string
		want options
	}{
		{"the defaults", "--data-dir data", standard},
		{"a free port", "--data-dir data --port 0", with(func(o *options) { o.port = chosenPort })},
		{"no Web UI", "--data-dir data --ui-port 0", with(func(o *options) { o.uiPort = 0 })},
		{"a Web UI on a free port", "--data-dir data --ui-port -1", with(func(o *options) { o.uiPort = chosenPort })},
		{"in memory", "--in-memory", with(func(o *options) { o.dataDir, o.inMemory = "", true })},
		{"everything else", "--data-dir data --ip ::1 --namespace tags --retention 48h --log-level warn", with(func(o *options) {
			o.ip, o.namespace, o.retention, o.logLevel = netip.IPv6Loopback(), "tags", 48*time.Hour, "warn"
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parsed(test.args)
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestOptionsFromEnvironment(t *testing.T) {
	t.Setenv("TAGWATCH_TEMPORAL_DATA_DIR", "from-environment")
	t.Setenv("TAGWATCH_TEMPORAL_PORT", "17233")

	got, err := parsed("--port 27233")

	if err != nil || got.dataDir != "from-environment" || got.port != 27233 {
		t.Errorf("got %+v, %v; want the environment's directory and the flag's port", got, err)
	}
}

func TestUnusableOptions(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"no place for the data", "", "--data-dir is missing"},
		{"two places for the data", "--data-dir d --in-memory", "exclude each other"},
		{"memory and a database", "--postgres postgres://db/x --in-memory", "exclude each other"},
		{"no address", "--in-memory --ip localhost", "--ip localhost: not an IP address"},
		{"no port", "--in-memory --port 70000", "--port 70000"},
		{"no port of the Web UI", "--in-memory --ui-port -2", "--ui-port -2"},
		{"one port for both", "--in-memory --port 9000 --ui-port 9000", "both 9000"},
		{"no namespace", "--in-memory --namespace=", "--namespace"},
		{"the server's own namespace", "--in-memory --namespace temporal-system", "temporal-system"},
		{"a short retention", "--in-memory --retention 1h", "at least 24h"},
		{"no log level", "--in-memory --log-level loud", "debug, info, warn, error"},
		{"no number", "--in-memory --port http", "http"},
		{"an unknown flag", "--in-memory --prot 1", "prot"},
		{"an argument", "--in-memory please", "please"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parsed(test.args)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// parsed are the options with which the program would serve.
func parsed(args string) (got options, err error) {
	app := newApp(io.Discard, func(_ context.Context, opts options, _ io.Writer) error { got = opts; return nil })
	err = app.Run(append([]string{"tagwatch-temporal"}, strings.Fields(args)...))
	return got, err
}

// TestManual: the manual page has every option, and no other.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../deploy/packages/tagwatch-temporal.1")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{"help": true, "version": true}
	for _, f := range flags() {
		described[f.Names()[0]] = true
		if given, ok := f.(cli.DocGenerationFlag); ok && given.GetValue() != "" && !strings.Contains(string(page), "default: "+strings.TrimSuffix(given.GetValue(), "0m0s")) {
			t.Errorf("the page does not say that the default of --%s is %s", f.Names()[0], given.GetValue())
		}
	}
	named := map[string]bool{}
	for _, option := range regexp.MustCompile(`\\fB\\-\\-(.*?)\\fR`).FindAllStringSubmatch(string(page), -1) {
		named[strings.ReplaceAll(option[1], `\-`, "-")] = true
	}
	if !maps.Equal(described, named) {
		t.Errorf("the options are %v, and the page has %v", slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(named)))
	}
}
