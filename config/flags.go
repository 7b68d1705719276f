package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

const mebibyte = 1 << 20

// Flags are the settings that every program has.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data-dir", EnvVars: []string{"TAGWATCH_DATA_DIR"}, Value: defaultDataDir(),
			Usage: "`directory` of databases, vulnerability data and layers"},
		&cli.StringFlag{Name: "database-url", EnvVars: []string{"TAGWATCH_DATABASE_URL"}, DefaultText: "SQLite in the data directory",
			Usage: "`url` of the database: sqlite:///path or postgres://user:password@host/name"},
		&cli.StringFlag{Name: "account", EnvVars: []string{"TAGWATCH_ACCOUNT"}, Value: "admin",
			Usage: "account `name` in the bodies of notifications (userId)"},
		&cli.StringFlag{Name: "account-email", EnvVars: []string{"TAGWATCH_ACCOUNT_EMAIL"}, Value: "admin@tagwatch",
			Usage: "account `address` in the bodies of notifications"},
		&cli.StringFlag{Name: "log-level", EnvVars: []string{"TAGWATCH_LOG_LEVEL"}, Value: "info", Usage: "debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", EnvVars: []string{"TAGWATCH_LOG_FORMAT"}, Value: "text", Usage: "text or json"},
	}
}

// WorkerFlags are the further settings of the worker.
func WorkerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "listen", EnvVars: []string{"TAGWATCH_LISTEN"}, Value: "127.0.0.1:8234",
			Usage: "`address` of the status page, health, readiness and metrics"},
		&cli.StringFlag{Name: "status-token", EnvVars: []string{"TAGWATCH_STATUS_TOKEN"},
			Usage: "`reference` of the token that admits to the status page, as env:NAME or file:/path; needed where --listen is no loopback address"},
		&cli.StringFlag{Name: "temporal-ui", EnvVars: []string{"TAGWATCH_TEMPORAL_UI"},
			Usage: "`url` of Temporal's Web UI, for links from the status page"},
		&cli.StringFlag{Name: "public-url", EnvVars: []string{"TAGWATCH_PUBLIC_URL"},
			Usage: "`url` at which receivers of notifications reach the status page, as in https://tagwatch.example.com; no links without"},
		&cli.StringSliceFlag{Name: "serve", EnvVars: []string{"TAGWATCH_SERVE"}, DefaultText: "all",
			Usage: "`roles` to serve: watching, analysis, matching, delivery"},
		&cli.StringFlag{Name: "deployment", EnvVars: []string{"TAGWATCH_DEPLOYMENT"},
			Usage: "`name` of a Worker Deployment of Temporal, to replace versions without a pause; workers have no versions without"},
		&cli.StringFlag{Name: "build-id", EnvVars: []string{"TAGWATCH_BUILD_ID"}, DefaultText: "the program's version",
			Usage: "`version` in the Worker Deployment"},

		&cli.DurationFlag{Name: "poll", EnvVars: []string{"TAGWATCH_POLL"}, Value: 5 * time.Minute,
			Usage: "how often a tag is checked unless its subscription says otherwise"},
		&cli.DurationFlag{Name: "resync", EnvVars: []string{"TAGWATCH_RESYNC"}, Value: time.Hour,
			Usage: "how often a tag's workflow checks everything by itself"},
		&cli.DurationFlag{Name: "retention", EnvVars: []string{"TAGWATCH_RETENTION"}, Value: 30 * 24 * time.Hour,
			Usage: "how long notifications, and images without a tag, are kept"},
		&cli.DurationFlag{Name: "reconcile-interval", EnvVars: []string{"TAGWATCH_RECONCILE_INTERVAL"}, Value: time.Hour,
			Usage: "how often what runs is compared with what should run"},

		&cli.StringFlag{Name: "feed-url", EnvVars: []string{"TAGWATCH_FEED_URL"}, Value: "https://grype.anchore.io/databases",
			Usage: "`url` of the listing of vulnerability data, or its base"},
		&cli.DurationFlag{Name: "feed-interval", EnvVars: []string{"TAGWATCH_FEED_INTERVAL"}, Value: time.Hour,
			Usage: "how often new vulnerability data are asked for"},
		&cli.DurationFlag{Name: "feed-max-age", EnvVars: []string{"TAGWATCH_FEED_MAX_AGE"}, Value: 5 * 24 * time.Hour,
			Usage: "how old vulnerability data may be before the event log is notified; 0 for any age"},
		&cli.StringFlag{Name: "feed-ca-file", EnvVars: []string{"TAGWATCH_FEED_CA_FILE"},
			Usage: "`file` of PEM certificates to trust beside the system's for the feed"},

		&cli.IntFlag{Name: "analysis-slots", EnvVars: []string{"TAGWATCH_ANALYSIS_SLOTS"}, Value: 1,
			Usage: "images analyzed at the same time"},
		&cli.IntFlag{Name: "renew-pace", EnvVars: []string{"TAGWATCH_RENEW_PACE"}, Value: 120,
			Usage: "known `images` an hour to analyze again at most, after a change of syft or of what it looks for; 0 for none"},
		&cli.Int64Flag{Name: "analysis-memory", EnvVars: []string{"TAGWATCH_ANALYSIS_MEMORY"}, Value: 1024,
			Usage: "memory limit of one analysis, in `MiB`"},
		&cli.DurationFlag{Name: "analysis-cpu", EnvVars: []string{"TAGWATCH_ANALYSIS_CPU"}, Value: 10 * time.Minute,
			Usage: "CPU time limit of one analysis"},
		&cli.DurationFlag{Name: "analysis-wall", EnvVars: []string{"TAGWATCH_ANALYSIS_WALL"}, Value: 20 * time.Minute,
			Usage: "wall time limit of one analysis"},
		&cli.Int64Flag{Name: "layer-store", EnvVars: []string{"TAGWATCH_LAYER_STORE"}, Value: 20 * 1024,
			Usage: "size limit of the store of unpacked layers, in `MiB`"},
		&cli.StringFlag{Name: "secret-search", EnvVars: []string{"TAGWATCH_SECRET_SEARCH"}, DefaultText: "Anchore's five",
			Usage: "`NAME=expression`, one a line, to search small files for (gate secret_scans)"},
		&cli.StringFlag{Name: "content-search", EnvVars: []string{"TAGWATCH_CONTENT_SEARCH"},
			Usage: "`NAME=expression`, one a line, to search files for (files.content_regex_match)"},
		&cli.StringSliceFlag{Name: "retrieve-file", EnvVars: []string{"TAGWATCH_RETRIEVE_FILES"}, DefaultText: "/etc/passwd",
			Usage: "`path` of a file whose content is kept, for the gate retrieved_files"},

		&cli.StringFlag{Name: "clamd", EnvVars: []string{"TAGWATCH_CLAMD"},
			Usage: "`address` of a ClamAV daemon that scans images: unix:///path or host:port (gate malware)"},
		&cli.Int64Flag{Name: "clamd-max-file", EnvVars: []string{"TAGWATCH_CLAMD_MAX_FILE"}, Value: 100,
			Usage: "largest file to scan for malware, in `MiB`"},
		&cli.StringFlag{Name: "npm-registry", EnvVars: []string{"TAGWATCH_NPM_REGISTRY"},
			Usage: "`url` of the npm registry that the gate npms compares with"},
		&cli.StringFlag{Name: "gem-registry", EnvVars: []string{"TAGWATCH_GEM_REGISTRY"},
			Usage: "`url` of the gem registry that the gate ruby_gems compares with"},
		&cli.StringFlag{Name: "package-ca-file", EnvVars: []string{"TAGWATCH_PACKAGE_CA_FILE"},
			Usage: "`file` of PEM certificates to trust beside the system's for package registries"},

		&cli.StringFlag{Name: "registries-file", EnvVars: []string{"TAGWATCH_REGISTRIES_FILE"},
			Usage: "`file` in the form of containers-registries.conf: mirrors, locations and how hosts are spoken to"},
		&cli.StringSliceFlag{Name: "registry-certificates", EnvVars: []string{"TAGWATCH_REGISTRY_CERTIFICATES"},
			DefaultText: "~/.config/containers/certs.d, /etc/containers/certs.d, /etc/docker/certs.d",
			Usage:       "`directory` with a folder for each registry: *.crt to trust, *.cert and *.key to present"},
		&cli.StringSliceFlag{Name: "registry-plain-http", EnvVars: []string{"TAGWATCH_REGISTRY_PLAIN_HTTP"},
			Usage: "`host` that is spoken to without TLS (loopback always may be)"},
		&cli.StringFlag{Name: "registry-ca-file", EnvVars: []string{"TAGWATCH_REGISTRY_CA_FILE"},
			Usage: "`file` of PEM certificates to trust beside the system's for registries"},
		&cli.Float64Flag{Name: "registry-rate", EnvVars: []string{"TAGWATCH_REGISTRY_RATE"}, Value: 50,
			Usage: "requests a second to one registry at most"},

		&cli.StringFlag{Name: "push-address", EnvVars: []string{"TAGWATCH_PUSH_ADDRESS"},
			Usage: "`address` to receive push notifications of registries at, as in 0.0.0.0:8235; not received without"},
		&cli.StringFlag{Name: "push-sources", EnvVars: []string{"TAGWATCH_PUSH_SOURCES"},
			Usage: "`file` of the registries that push; see tagwatch push example"},
		&cli.StringFlag{Name: "push-cert-file", EnvVars: []string{"TAGWATCH_PUSH_CERT_FILE"},
			Usage: "`file` of the push receiver's certificate chain; it speaks plain HTTP without"},
		&cli.StringFlag{Name: "push-key-file", EnvVars: []string{"TAGWATCH_PUSH_KEY_FILE"},
			Usage: "`file` of the certificate's key"},

		&cli.DurationFlag{Name: "webhook-window", EnvVars: []string{"TAGWATCH_WEBHOOK_WINDOW"}, Value: 75 * time.Hour,
			Usage: "how long a delivery is tried"},
		&cli.BoolFlag{Name: "webhook-deny-private", EnvVars: []string{"TAGWATCH_WEBHOOK_DENY_PRIVATE"},
			Usage: "refuse endpoints with loopback and private addresses"},
		&cli.StringSliceFlag{Name: "webhook-allow", EnvVars: []string{"TAGWATCH_WEBHOOK_ALLOW"},
			Usage: "`network`, host or *.domain that endpoints may have although --webhook-deny or --webhook-deny-private refuses it"},
		&cli.StringFlag{Name: "webhook-proxy", EnvVars: []string{"TAGWATCH_WEBHOOK_PROXY"},
			Usage: "`url` of the proxy to endpoints that set none, as http://host:port, or env:NAME or file:/path of one with a password; the environment's HTTPS_PROXY is not used unless named"},
		&cli.StringSliceFlag{Name: "webhook-deny", EnvVars: []string{"TAGWATCH_WEBHOOK_DENY"},
			Usage: "`network`, host or *.domain that endpoints may not have; all for everything that is not allowed"},
	}
}

// From reads the settings that every program has.
func From(c *cli.Context) (Config, error) {
	dir := c.String("data-dir")
	if dir != "" { // which Abs would take for the working directory
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return Config{}, fmt.Errorf("find the data directory: %w", err)
		}
		dir = absolute
	}
	settings := Config{
		DataDir: dir, DatabaseURL: strings.TrimRight(c.String("database-url"), "\r\n"), Account: c.String("account"), Email: c.String("account-email"),
		LogLevel: c.String("log-level"), LogFormat: c.String("log-format"),
	}
	return settings, settings.Validate()
}

// FromWorker reads all settings.
func FromWorker(c *cli.Context) (Config, error) {
	settings, err := From(c)
	if err != nil {
		return settings, err
	}
	settings.Worker = Worker{
		Listen: c.String("listen"), Serve: c.StringSlice("serve"), Deployment: c.String("deployment"), BuildID: c.String("build-id"),
		Poll: c.Duration("poll"), Resync: c.Duration("resync"), Retention: c.Duration("retention"), Reconcile: c.Duration("reconcile-interval"),
		FeedURL: c.String("feed-url"), FeedInterval: c.Duration("feed-interval"), FeedMaxAge: c.Duration("feed-max-age"), FeedCAFile: c.String("feed-ca-file"),
		AnalysisSlots: c.Int("analysis-slots"), RenewPace: c.Int("renew-pace"), AnalysisMemory: c.Int64("analysis-memory") * mebibyte,
		AnalysisCPU: c.Duration("analysis-cpu"), AnalysisWall: c.Duration("analysis-wall"),
		LayerStore:   c.Int64("layer-store") * mebibyte,
		SecretSearch: lines(c.String("secret-search")), ContentSearch: lines(c.String("content-search")), RetrieveFiles: c.StringSlice("retrieve-file"),
		Clamd: c.String("clamd"), ClamdMaxFile: c.Int64("clamd-max-file") * mebibyte,
		NPMRegistry: c.String("npm-registry"), GemRegistry: c.String("gem-registry"), PackageCAFile: c.String("package-ca-file"),
		RegistriesFile: c.String("registries-file"), RegistryCertificates: c.StringSlice("registry-certificates"),
		RegistryPlain: c.StringSlice("registry-plain-http"), RegistryCAFile: c.String("registry-ca-file"), RegistryRate: c.Float64("registry-rate"),
		StatusToken: c.String("status-token"), TemporalUI: c.String("temporal-ui"), PublicURL: c.String("public-url"),
		PushAddress: c.String("push-address"), PushSources: c.String("push-sources"),
		PushCertFile: c.String("push-cert-file"), PushKeyFile: c.String("push-key-file"),
		WebhookWindow: c.Duration("webhook-window"), WebhookDenyPrivate: c.Bool("webhook-deny-private"),
		WebhookAllow: c.StringSlice("webhook-allow"), WebhookDeny: c.StringSlice("webhook-deny"),
		WebhookProxy: strings.TrimRight(c.String("webhook-proxy"), "\r\n"),
	}
	return settings, settings.Worker.Validate()
}

// lines splits a setting that holds expressions, in which commas have a meaning.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}
