package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// read has a worker's command line read.
func read(t *testing.T, arguments ...string) (settings config.Config, err error) {
	t.Helper()
	app := &cli.App{
		Name: "test", Flags: allFlags(), HideHelp: true,
		Action: func(c *cli.Context) error {
			settings, err = config.FromWorker(c)
			return nil
		},
	}
	if err := app.Run(append([]string{"test"}, arguments...)); err != nil {
		t.Fatal(err)
	}
	return settings, err
}

func TestDefaults(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	got, err := read(t)
	if err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	if want := "sqlite://" + filepath.Join(home, "tagwatch", "tagwatch.db"); got.Database() != want {
		t.Errorf("database %s, want %s", got.Database(), want)
	}
	if want := filepath.Join(home, "tagwatch", "layers", "x"); got.Path("layers", "x") != want {
		t.Errorf("path %s, want %s", got.Path("layers", "x"), want)
	}
	if got.Worker.Poll != 5*time.Minute || got.Worker.Resync != time.Hour || got.Worker.AnalysisMemory != 1<<30 {
		t.Errorf("worker %+v", got.Worker)
	}
	for _, role := range config.Roles {
		if !got.Worker.Serves(role) {
			t.Errorf("a worker does not serve %s unless notified so", role)
		}
	}
}

func TestDatabaseURLFromFile(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	folder := t.TempDir()
	for _, test := range []struct{ name, content, want, says string }{
		{"a URL", "postgres://tagwatch:hunter2@db/tagwatch\n", "postgres://tagwatch:hunter2@db/tagwatch", ""},
		{"nothing", "\n", "", "is empty"},
		{"another database", "mysql://root:hunter2@db/x", "mysql://root:hunter2@db/x", "mysql://"},
	} {
		path := filepath.Join(folder, test.name)
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, "--database-url", "file:"+path)
		if got.DatabaseURL != test.want {
			t.Errorf("%s: %q, want %q", test.name, got.DatabaseURL, test.want)
		}
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: error %v, want one that says %q", test.name, err, test.says)
		}
	}
	if _, err := read(t, "--database-url", "file:"+filepath.Join(folder, "absent")); err == nil || !strings.Contains(err.Error(), "TAGWATCH_DATABASE_URL") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestValidate(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	tests := []struct {
		name      string
		arguments []string
		says      []string // nothing: accepted
	}{
		{"postgres", []string{"--database-url", "postgres://tagwatch@db/tagwatch"}, nil},
		{"postgresql", []string{"--database-url", "postgresql://tagwatch@db/tagwatch"}, nil},
		{"some roles", []string{"--serve", "analysis,matching"}, nil},
		{"the shortest poll", []string{"--poll", "30s"}, nil},
		{"any age of data", []string{"--feed-max-age", "0"}, nil},

		{"pushes", []string{"--push-address", ":8235", "--push-sources", "push.yaml"}, nil},
		{"pushes from nobody", []string{"--push-address", ":8235"}, []string{"TAGWATCH_PUSH_ADDRESS", "--push-sources", "tagwatch push example"}},
		{"pushes nowhere", []string{"--push-sources", "push.yaml"}, []string{"--push-address", "TAGWATCH_PUSH_ADDRESS"}},
		{"half a certificate", []string{"--push-address", ":8235", "--push-sources", "push.yaml", "--push-cert-file", "x"}, []string{"--push-key-file"}},

		{"an API", []string{"--api-listen", ":8236", "--serve", "api"}, nil},
		{"an API nowhere", []string{"--serve", "api"}, []string{"--api-listen", "TAGWATCH_API_LISTEN"}},
		{"a certificate of no API", []string{"--api-cert-file", "x", "--api-key-file", "y"}, []string{"--api-listen"}},
		{"tokens of an issuer", []string{"--api-listen", ":8236", "--api-oidc-issuer", "https://issuer.example.com", "--api-oidc-audience", "tagwatch", "--api-oidc-scope", "read sub=*a"}, nil},
		{"an issuer of no API", []string{"--api-oidc-issuer", "https://issuer.example.com"}, []string{"--api-listen"}},
		{"an issuer for everybody", []string{"--api-listen", ":8236", "--api-oidc-issuer", "https://issuer.example.com", "--api-oidc-scope", "read sub=a"}, []string{"--api-oidc-audience"}},
		{"an issuer without TLS", []string{"--api-listen", ":8236", "--api-oidc-issuer", "http://issuer.example.com", "--api-oidc-audience", "tagwatch", "--api-oidc-scope", "read sub=a"}, []string{"TAGWATCH_API_OIDC_ISSUER"}},
		{"half a certificate of the API", []string{"--api-listen", ":8236", "--api-key-file", "x"}, []string{"--api-cert-file"}},

		{"a token by reference", []string{"--status-token", "file:/run/secrets/status", "--temporal-ui", "https://temporal.example.com/ui"}, nil},
		{"the token itself", []string{"--status-token", "hunter2"}, []string{"TAGWATCH_STATUS_TOKEN", "env:NAME"}},
		{"a Web UI that is no address", []string{"--temporal-ui", "127.0.0.1:8233"}, []string{"TAGWATCH_TEMPORAL_UI", "http://"}},

		{"a public address", []string{"--public-url", "https://tagwatch.example.com/watch/"}, nil},
		{"a public address without a scheme", []string{"--public-url", "tagwatch.example.com"}, []string{"TAGWATCH_PUBLIC_URL", "https://"}},
		{"a public address with a password", []string{"--public-url", "https://u:hunter2@tagwatch.example.com"}, []string{"TAGWATCH_PUBLIC_URL", "user"}},

		{"no data directory", []string{"--data-dir", ""}, []string{"--data-dir", "TAGWATCH_DATA_DIR"}},
		{"another database", []string{"--database-url", "mysql://root:hunter2@db/x"}, []string{"mysql://", "--database-url", "postgres://"}},
		{"a database without a scheme", []string{"--database-url", "/var/lib/tagwatch.db"}, []string{"--database-url", "sqlite:///path"}},
		{"a database URL that is none", []string{"--database-url", "postgres://tagwatch:hunter2@db:port/x"}, []string{"--database-url"}},
		{"log level", []string{"--log-level", "loud"}, []string{`"loud"`, "TAGWATCH_LOG_LEVEL", "debug, info, warn, error"}},
		{"log format", []string{"--log-format", "xml"}, []string{`"xml"`, "TAGWATCH_LOG_FORMAT", "text, json"}},
		{"role", []string{"--serve", "matching,cooking"}, []string{`"cooking"`, "TAGWATCH_SERVE", "watching, analysis, matching, delivery, api"}},
		{"poll too short", []string{"--poll", "29s"}, []string{"--poll", "29s", "30s"}},
		{"pass too short", []string{"--resync", "1s"}, []string{"--resync", "1m0s"}},
		{"retention too short", []string{"--retention", "1m"}, []string{"--retention", "1h0m0s"}},
		{"audit retention too short", []string{"--audit-retention", "1m"}, []string{"--audit-retention", "1h0m0s"}},
		{"feed interval of zero", []string{"--feed-interval", "0"}, []string{"--feed-interval"}},
		{"webhook window below zero", []string{"--webhook-window", "-1h"}, []string{"--webhook-window"}},
		{"no CPU time", []string{"--analysis-cpu", "0"}, []string{"--analysis-cpu"}},
		{"no wall time", []string{"--analysis-wall", "10ms"}, []string{"--analysis-wall"}},
		{"no renewals", []string{"--renew-pace", "0"}, nil},
		{"a pace below zero", []string{"--renew-pace", "-1"}, []string{"--renew-pace", "-1", "3600"}},
		{"a pace too fast", []string{"--renew-pace", "3601"}, []string{"--renew-pace", "3601", "3600"}},
		{"no slot", []string{"--analysis-slots", "0"}, []string{"--analysis-slots", "at least 1"}},
		{"no memory", []string{"--analysis-memory", "-5"}, []string{"--analysis-memory", "-5"}},
		{"no layer store", []string{"--layer-store", "0"}, []string{"--layer-store"}},
		{"no rate", []string{"--registry-rate", "0"}, []string{"--registry-rate", "above 0"}},
		{"a rate that is no number", []string{"--registry-rate", "NaN"}, []string{"--registry-rate"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := read(t, test.arguments...)
			if test.says == nil {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"TAGWATCH_DATA_DIR": "relative", "TAGWATCH_DATABASE_URL": "postgres://db/x\n", "TAGWATCH_POLL": "45s", "TAGWATCH_SERVE": "delivery",
		"TAGWATCH_LAYER_STORE": "3", "TAGWATCH_SECRET_SEARCH": "A=a{1,2}\n\nB=b", "TAGWATCH_WEBHOOK_DENY": "10.0.0.0/8,*.internal",
	} {
		t.Setenv(name, value)
	}
	got, err := read(t)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(got.DataDir) || filepath.Base(got.DataDir) != "relative" {
		t.Errorf("data directory %s", got.DataDir)
	}
	w := got.Worker
	if got.Database() != "postgres://db/x" || w.Poll != 45*time.Second || w.LayerStore != 3<<20 || w.Serves("analysis") || !w.Serves("delivery") {
		t.Errorf("settings %+v", got)
	}
	if diff := cmp.Diff([]string{"A=a{1,2}", "B=b"}, w.SecretSearch); diff != "" {
		t.Errorf("expressions (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"10.0.0.0/8", "*.internal"}, w.WebhookDeny); diff != "" {
		t.Errorf("networks (-want +got)\n%s", diff)
	}
	if over, err := read(t, "--poll", "90s"); err != nil || over.Worker.Poll != 90*time.Second {
		t.Errorf("a flag does not win over the environment: %s, %v", over.Worker.Poll, err)
	}
}
