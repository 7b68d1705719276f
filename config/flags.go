package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

const mebibyte = 1 << 20

// The groups in which help and docs/settings.md show the settings.
const (
	groupGeneral  = "General"
	groupServer   = "Server"
	groupWorker   = "Worker"
	groupSchedule = "Intervals and retention"
	groupData     = "Vulnerability data"
	groupAnalysis = "Image analysis"
	groupGates    = "Sources of policy gates"
	groupRegistry = "Registries"
	groupAPI      = "HTTP API"
	groupConfig   = "Configuration as code"
	groupSources  = "Sources of tags"
	groupPush     = "Push notifications of registries"
	groupWebhook  = "Webhooks"
)

// Flags are the settings that every program has.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Category: groupGeneral, Name: "data-dir", EnvVars: []string{"TAGWATCH_DATA_DIR"}, Value: defaultDataDir(), DefaultText: "~/.local/share/tagwatch",
			Usage: "`directory` for the SQLite databases, vulnerability data and image layers; below $XDG_DATA_HOME if that is set"},
		&cli.StringFlag{Category: groupGeneral, Name: "database-url", EnvVars: []string{"TAGWATCH_DATABASE_URL"}, DefaultText: "SQLite in the data directory",
			Usage: "`URL` of the database: sqlite:///path or postgres://user:password@host/name, or file:/path, which names a file that contains it"},
		&cli.StringFlag{Category: groupGeneral, Name: "account", EnvVars: []string{"TAGWATCH_ACCOUNT"}, Value: "admin",
			Usage: "account `name` in notification bodies (userId)"},
		&cli.StringFlag{Category: groupGeneral, Name: "account-email", EnvVars: []string{"TAGWATCH_ACCOUNT_EMAIL"}, Value: "admin@tagwatch",
			Usage: "email `address` of the account in notification bodies"},
		&cli.StringFlag{Category: groupGeneral, Name: "log-level", EnvVars: []string{"TAGWATCH_LOG_LEVEL"}, Value: "info",
			Usage: "lowest `level` to log: debug, info, warn or error"},
		&cli.StringFlag{Category: groupGeneral, Name: "log-format", EnvVars: []string{"TAGWATCH_LOG_FORMAT"}, Value: "text",
			Usage: "`format` of the log: text or json"},
	}
}

// CommandFlags are the further settings of the command line.
func CommandFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Category: groupServer, Name: "server", EnvVars: []string{"TAGWATCH_SERVER"}, DefaultText: "that of tagwatch login",
			Usage: "`URL` of the server whose HTTP API carries out commands, with the token in TAGWATCH_TOKEN; empty to use the database itself"},
		&cli.StringFlag{Category: groupServer, Name: "server-ca-file", EnvVars: []string{"TAGWATCH_SERVER_CA_FILE"},
			Usage: "`file` of PEM certificates to trust for the server, in addition to the system's"},
	}
}

// WorkerFlags are the further settings of the worker.
func WorkerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Category: groupWorker, Name: "listen", EnvVars: []string{"TAGWATCH_LISTEN"}, Value: "127.0.0.1:8234",
			Usage: "`address` of the status page, health checks and metrics"},
		&cli.StringFlag{Category: groupWorker, Name: "status-token", EnvVars: []string{"TAGWATCH_STATUS_TOKEN"},
			Usage: "`reference` to the token for the form that signs in to the status page, as env:NAME or file:/path; unless --listen is a loopback address, the page requires it or a token of the HTTP API"},
		&cli.StringFlag{Category: groupWorker, Name: "temporal-ui", EnvVars: []string{"TAGWATCH_TEMPORAL_UI"},
			Usage: "`URL` of Temporal's Web UI, for links on the status page; tagwatch up sets it"},
		&cli.StringFlag{Category: groupWorker, Name: "public-url", EnvVars: []string{"TAGWATCH_PUBLIC_URL"},
			Usage: "`URL` at which receivers of notifications reach the status page, such as https://tagwatch.example.com; without it, notifications have no links"},
		&cli.StringSliceFlag{Category: groupWorker, Name: "serve", EnvVars: []string{"TAGWATCH_SERVE"}, DefaultText: "all",
			Usage: "`roles` of this worker: watching, analysis, matching, delivery, api"},
		&cli.StringFlag{Category: groupWorker, Name: "deployment", EnvVars: []string{"TAGWATCH_DEPLOYMENT"},
			Usage: "`name` of a Worker Deployment of Temporal, for upgrades without a pause; without it, workers are not versioned"},
		&cli.StringFlag{Category: groupWorker, Name: "build-id", EnvVars: []string{"TAGWATCH_BUILD_ID"}, DefaultText: "the program's version",
			Usage: "`version` of this worker in the Worker Deployment"},

		&cli.DurationFlag{Category: groupSchedule, Name: "poll", EnvVars: []string{"TAGWATCH_POLL"}, Value: 5 * time.Minute,
			Usage: "how often to check a tag, unless its subscription sets an interval; at least 30s"},
		&cli.DurationFlag{Category: groupSchedule, Name: "resync", EnvVars: []string{"TAGWATCH_RESYNC"}, Value: time.Hour,
			Usage: "how often each tag's workflow checks everything about the tag, even without a signal"},
		&cli.DurationFlag{Category: groupSchedule, Name: "retention", EnvVars: []string{"TAGWATCH_RETENTION"}, Value: 30 * 24 * time.Hour,
			Usage: "how long to keep notifications, and images that no tag points to any more"},
		&cli.DurationFlag{Category: groupSchedule, Name: "audit-retention", EnvVars: []string{"TAGWATCH_AUDIT_RETENTION"}, Value: 365 * 24 * time.Hour,
			Usage: "how long to keep the record of who changed what"},
		&cli.DurationFlag{Category: groupSchedule, Name: "reconcile-interval", EnvVars: []string{"TAGWATCH_RECONCILE_INTERVAL"}, Value: time.Hour,
			Usage: "how often to compare the running workflows with those that should run"},

		&cli.StringFlag{Category: groupData, Name: "feed-url", EnvVars: []string{"TAGWATCH_FEED_URL"}, Value: "https://grype.anchore.io/databases",
			Usage: "`URL` of the listing of vulnerability data, or of the folder above its v6/latest.json"},
		&cli.DurationFlag{Category: groupData, Name: "feed-interval", EnvVars: []string{"TAGWATCH_FEED_INTERVAL"}, Value: time.Hour,
			Usage: "how often to check for new vulnerability data"},
		&cli.DurationFlag{Category: groupData, Name: "feed-max-age", EnvVars: []string{"TAGWATCH_FEED_MAX_AGE"}, Value: 5 * 24 * time.Hour,
			Usage: "age at which vulnerability data, or one provider's share of it, is reported as outdated; 0 accepts any age"},
		&cli.StringFlag{Category: groupData, Name: "feed-ca-file", EnvVars: []string{"TAGWATCH_FEED_CA_FILE"},
			Usage: "`file` of PEM certificates to trust for the feed, in addition to the system's"},

		&cli.IntFlag{Category: groupAnalysis, Name: "analysis-slots", EnvVars: []string{"TAGWATCH_ANALYSIS_SLOTS"}, Value: 1,
			Usage: "maximum number of images that this worker analyzes at a time"},
		&cli.IntFlag{Category: groupAnalysis, Name: "renew-pace", EnvVars: []string{"TAGWATCH_RENEW_PACE"}, Value: 120,
			Usage: "maximum number of `images` per hour to analyze again after a change of syft or of the content settings below; 0 for none"},
		&cli.Int64Flag{Category: groupAnalysis, Name: "analysis-memory", EnvVars: []string{"TAGWATCH_ANALYSIS_MEMORY"}, Value: 1024,
			Usage: "memory limit of one analysis, in `MiB`"},
		&cli.DurationFlag{Category: groupAnalysis, Name: "analysis-cpu", EnvVars: []string{"TAGWATCH_ANALYSIS_CPU"}, Value: 10 * time.Minute,
			Usage: "CPU time limit of one analysis"},
		&cli.DurationFlag{Category: groupAnalysis, Name: "analysis-wall", EnvVars: []string{"TAGWATCH_ANALYSIS_WALL"}, Value: 20 * time.Minute,
			Usage: "time limit of one analysis"},
		&cli.Int64Flag{Category: groupAnalysis, Name: "layer-store", EnvVars: []string{"TAGWATCH_LAYER_STORE"}, Value: 20 * 1024,
			Usage: "size limit of the store of unpacked layers, in `MiB`"},
		&cli.StringFlag{Category: groupAnalysis, Name: "secret-search", EnvVars: []string{"TAGWATCH_SECRET_SEARCH"}, DefaultText: "Anchore's five",
			Usage: "regular expressions to search small files for (gate secret_scans), one `NAME=expression` a line"},
		&cli.StringFlag{Category: groupAnalysis, Name: "content-search", EnvVars: []string{"TAGWATCH_CONTENT_SEARCH"},
			Usage: "regular expressions to search files for (trigger files.content_regex_match), one `NAME=expression` a line"},
		&cli.StringSliceFlag{Category: groupAnalysis, Name: "retrieve-file", EnvVars: []string{"TAGWATCH_RETRIEVE_FILES"}, DefaultText: "/etc/passwd",
			Usage: "`path` of a file in the image whose content to keep (gates retrieved_files and passwd_file)"},

		&cli.StringFlag{Category: groupGates, Name: "clamd", EnvVars: []string{"TAGWATCH_CLAMD"},
			Usage: "`address` of a ClamAV daemon that scans images (gate malware): unix:///path or host:port"},
		&cli.Int64Flag{Category: groupGates, Name: "clamd-max-file", EnvVars: []string{"TAGWATCH_CLAMD_MAX_FILE"}, Value: 100,
			Usage: "size of the largest file to scan for malware, in `MiB`"},
		&cli.StringFlag{Category: groupGates, Name: "npm-registry", EnvVars: []string{"TAGWATCH_NPM_REGISTRY"},
			Usage: "`URL` of the npm registry to compare versions with (gate npms)"},
		&cli.StringFlag{Category: groupGates, Name: "gem-registry", EnvVars: []string{"TAGWATCH_GEM_REGISTRY"},
			Usage: "`URL` of the gem registry to compare versions with (gate ruby_gems)"},
		&cli.StringFlag{Category: groupGates, Name: "package-ca-file", EnvVars: []string{"TAGWATCH_PACKAGE_CA_FILE"},
			Usage: "`file` of PEM certificates to trust for package registries, in addition to the system's"},

		&cli.StringFlag{Category: groupRegistry, Name: "registries-file", EnvVars: []string{"TAGWATCH_REGISTRIES_FILE"},
			Usage: "`file` in the format of containers-registries.conf: mirrors, proxies, certificates and rate limits of each registry"},
		&cli.StringSliceFlag{Category: groupRegistry, Name: "registry-certificates", EnvVars: []string{"TAGWATCH_REGISTRY_CERTIFICATES"},
			DefaultText: "~/.config/containers/certs.d, /etc/containers/certs.d, /etc/docker/certs.d",
			Usage:       "`directory` with a folder for each registry: *.crt to trust, *.cert and *.key to present"},
		&cli.StringSliceFlag{Category: groupRegistry, Name: "registry-plain-http", EnvVars: []string{"TAGWATCH_REGISTRY_PLAIN_HTTP"},
			Usage: "`host` that may be contacted without TLS if it does not support it; loopback hosts always may"},
		&cli.StringFlag{Category: groupRegistry, Name: "registry-ca-file", EnvVars: []string{"TAGWATCH_REGISTRY_CA_FILE"},
			Usage: "`file` of PEM certificates to trust for registries, in addition to the system's"},
		&cli.Float64Flag{Category: groupRegistry, Name: "registry-rate", EnvVars: []string{"TAGWATCH_REGISTRY_RATE"}, Value: 50,
			Usage: "rate limit of all workers together for each registry, in `requests` per second"},

		&cli.StringFlag{Category: groupAPI, Name: "api-listen", EnvVars: []string{"TAGWATCH_API_LISTEN"},
			Usage: "`address` at which to serve the HTTP API, such as 127.0.0.1:8236; without it, none is served"},
		&cli.StringFlag{Category: groupAPI, Name: "api-cert-file", EnvVars: []string{"TAGWATCH_API_CERT_FILE"},
			Usage: "`file` of the certificate chain of the API; without it, the API uses plain HTTP"},
		&cli.StringFlag{Category: groupAPI, Name: "api-key-file", EnvVars: []string{"TAGWATCH_API_KEY_FILE"},
			Usage: "`file` of the certificate's private key"},
		&cli.StringFlag{Category: groupAPI, Name: "api-oidc-issuer", EnvVars: []string{"TAGWATCH_API_OIDC_ISSUER"},
			Usage: "`URL` of an OpenID Connect issuer whose tokens the API accepts, such as https://token.actions.githubusercontent.com"},
		&cli.StringFlag{Category: groupAPI, Name: "api-oidc-audience", EnvVars: []string{"TAGWATCH_API_OIDC_AUDIENCE"},
			Usage: "`audience` that tokens of the issuer must have"},
		&cli.StringSliceFlag{Category: groupAPI, Name: "api-oidc-scope", EnvVars: []string{"TAGWATCH_API_OIDC_SCOPES"}, DefaultText: "none",
			Usage: "`rule` that allows a scope to tokens of the issuer with a claim: SCOPE CLAIM=VALUE [SUBJECT ...], as in 'act sub=repo:acme/shop:* ghcr.io/acme/*'; the first that selects a token counts"},

		&cli.StringFlag{Category: groupConfig, Name: "config-dir", EnvVars: []string{"TAGWATCH_CONFIG_DIR"},
			Usage: "`folder` of documents to apply when the worker starts and when they change, such as a mounted ConfigMap; without it, none are"},
		&cli.StringFlag{Category: groupConfig, Name: "config-owner", EnvVars: []string{"TAGWATCH_CONFIG_OWNER"}, DefaultText: "any",
			Usage: "`name` of the owner that the documents of the folder must have"},
		&cli.BoolFlag{Category: groupConfig, Name: "config-prune", EnvVars: []string{"TAGWATCH_CONFIG_PRUNE"},
			Usage: "delete what the owner has and the folder does not list"},

		&cli.StringSliceFlag{Category: groupSources, Name: "source-path", EnvVars: []string{"TAGWATCH_SOURCE_PATHS"}, DefaultText: "none",
			Usage: "`path` of a folder or file that sources may read, such as lists, sockets and kubeconfig files"},
		&cli.StringFlag{Category: groupSources, Name: "source-ca-file", EnvVars: []string{"TAGWATCH_SOURCE_CA_FILE"},
			Usage: "`file` of PEM certificates to trust for lists that sources read over HTTPS, in addition to the system's"},

		&cli.StringFlag{Category: groupPush, Name: "push-address", EnvVars: []string{"TAGWATCH_PUSH_ADDRESS"},
			Usage: "`address` at which to receive push notifications of registries; without it, none are received"},
		&cli.StringFlag{Category: groupPush, Name: "push-sources", EnvVars: []string{"TAGWATCH_PUSH_SOURCES"},
			Usage: "`file` that lists the registries that may push; see tagwatch push example"},
		&cli.StringFlag{Category: groupPush, Name: "push-cert-file", EnvVars: []string{"TAGWATCH_PUSH_CERT_FILE"},
			Usage: "`file` of the certificate chain of the push address; without it, the address uses plain HTTP"},
		&cli.StringFlag{Category: groupPush, Name: "push-key-file", EnvVars: []string{"TAGWATCH_PUSH_KEY_FILE"},
			Usage: "`file` of the certificate's private key"},

		&cli.DurationFlag{Category: groupWebhook, Name: "webhook-window", EnvVars: []string{"TAGWATCH_WEBHOOK_WINDOW"}, Value: 75 * time.Hour,
			Usage: "how long to retry a delivery"},
		&cli.BoolFlag{Category: groupWebhook, Name: "webhook-deny-private", EnvVars: []string{"TAGWATCH_WEBHOOK_DENY_PRIVATE"},
			Usage: "reject endpoints at loopback and private addresses"},
		&cli.StringSliceFlag{Category: groupWebhook, Name: "webhook-deny", EnvVars: []string{"TAGWATCH_WEBHOOK_DENY"},
			Usage: "`network`, host or *.domain that endpoints must not use; \"all\" rejects everything that --webhook-allow does not list"},
		&cli.StringSliceFlag{Category: groupWebhook, Name: "webhook-allow", EnvVars: []string{"TAGWATCH_WEBHOOK_ALLOW"},
			Usage: "`network`, host or *.domain that endpoints may use even if --webhook-deny or --webhook-deny-private rejects it"},
		&cli.StringFlag{Category: groupWebhook, Name: "webhook-proxy", EnvVars: []string{"TAGWATCH_WEBHOOK_PROXY"},
			Usage: "`URL` of the proxy for endpoints without their own: http://host:port, or env:NAME or file:/path if it contains a password; HTTPS_PROXY is used only if given here"},
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
	database, err := readDatabaseURL(c.String("database-url"))
	if err != nil {
		return Config{}, err
	}
	settings := Config{
		DataDir: dir, DatabaseURL: database, Account: c.String("account"), Email: c.String("account-email"),
		LogLevel: c.String("log-level"), LogFormat: c.String("log-format"),
		Server: c.String("server"), ServerCAFile: c.String("server-ca-file"),
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
		Poll: c.Duration("poll"), Resync: c.Duration("resync"), Retention: c.Duration("retention"), AuditRetention: c.Duration("audit-retention"), Reconcile: c.Duration("reconcile-interval"),
		FeedURL: c.String("feed-url"), FeedInterval: c.Duration("feed-interval"), FeedMaxAge: c.Duration("feed-max-age"), FeedCAFile: c.String("feed-ca-file"),
		AnalysisSlots: c.Int("analysis-slots"), RenewPace: c.Int("renew-pace"), AnalysisMemory: c.Int64("analysis-memory") * mebibyte,
		AnalysisCPU: c.Duration("analysis-cpu"), AnalysisWall: c.Duration("analysis-wall"),
		LayerStore:   c.Int64("layer-store") * mebibyte,
		SecretSearch: lines(c.String("secret-search")), ContentSearch: lines(c.String("content-search")), RetrieveFiles: c.StringSlice("retrieve-file"),
		Clamd: c.String("clamd"), ClamdMaxFile: c.Int64("clamd-max-file") * mebibyte,
		NPMRegistry: c.String("npm-registry"), GemRegistry: c.String("gem-registry"), PackageCAFile: c.String("package-ca-file"),
		RegistriesFile: c.String("registries-file"), RegistryCertificates: c.StringSlice("registry-certificates"),
		RegistryPlain: c.StringSlice("registry-plain-http"), RegistryCAFile: c.String("registry-ca-file"), RegistryRate: c.Float64("registry-rate"),
		ConfigDir: c.String("config-dir"), ConfigOwner: c.String("config-owner"), ConfigPrune: c.Bool("config-prune"),
		SourcePaths: c.StringSlice("source-path"), SourceCAFile: c.String("source-ca-file"),
		StatusToken: c.String("status-token"), TemporalUI: c.String("temporal-ui"), PublicURL: c.String("public-url"),
		APIListen: c.String("api-listen"), APICertFile: c.String("api-cert-file"), APIKeyFile: c.String("api-key-file"),
		OIDCIssuer: c.String("api-oidc-issuer"), OIDCAudience: c.String("api-oidc-audience"), OIDCScopes: c.StringSlice("api-oidc-scope"),
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
