// Package config holds the settings of the programs: one struct, its flags, their
// environment variables, defaults and validation. The connection to Temporal has
// Temporal's own variables and profiles (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_...).
package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config is all settings of a program.
type Config struct {
	DataDir     string
	DatabaseURL string
	Account     string
	Email       string
	LogLevel    string
	LogFormat   string
	// Server and ServerCAFile are for the command line only.
	Server       string
	ServerCAFile string

	Worker Worker
}

// Worker is the settings that only a worker has.
type Worker struct {
	Listen string
	Serve  []string
	// Deployment is the name of the Worker Deployment; "" for unversioned workers.
	// BuildID is the version in it; "" for the program's own version.
	Deployment, BuildID string

	Poll      time.Duration
	Resync    time.Duration
	Retention time.Duration
	// AuditRetention is how long the audit trail is kept.
	AuditRetention time.Duration
	Reconcile      time.Duration

	FeedURL      string
	FeedInterval time.Duration
	FeedMaxAge   time.Duration
	FeedCAFile   string

	AnalysisSlots  int
	RenewPace      int // images an hour; 0 for none
	AnalysisMemory int64
	AnalysisCPU    time.Duration
	AnalysisWall   time.Duration
	LayerStore     int64
	SecretSearch   []string
	ContentSearch  []string
	RetrieveFiles  []string

	Clamd         string
	ClamdMaxFile  int64
	NPMRegistry   string
	GemRegistry   string
	PackageCAFile string

	RegistriesFile       string
	RegistryCertificates []string
	RegistryPlain        []string
	RegistryCAFile       string
	RegistryRate         float64

	// ConfigDir is a folder of documents that the worker applies; "" for none. ConfigOwner
	// is the owner that they must have, "" for any.
	ConfigDir   string
	ConfigOwner string
	ConfigPrune bool

	SourcePaths  []string
	SourceCAFile string

	StatusToken string
	TemporalUI  string
	PublicURL   string

	APIListen   string
	APICertFile string
	APIKeyFile  string

	OIDCIssuer   string
	OIDCAudience string
	OIDCScopes   []string

	PushAddress  string
	PushSources  string
	PushCertFile string
	PushKeyFile  string

	WebhookWindow      time.Duration
	WebhookDenyPrivate bool
	WebhookAllow       []string
	WebhookDeny        []string
	WebhookProxy       string
}

// Roles are the parts of the work that a worker can be limited to.
var Roles = []string{"watching", "analysis", "matching", "delivery", "api"}

// Serves reports whether the worker has that role.
func (w Worker) Serves(role string) bool {
	return len(w.Serve) == 0 || slices.Contains(w.Serve, role)
}

// Database is the URL of the database: the one that was set, or a SQLite file
// in the data directory.
func (c Config) Database() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite://" + filepath.Join(c.DataDir, "tagwatch.db")
}

// Path is a path in the data directory.
func (c Config) Path(elements ...string) string {
	return filepath.Join(append([]string{c.DataDir}, elements...)...)
}

// Validate returns an error that names the invalid setting and what it accepts.
func (c Config) Validate() error {
	if c.DataDir == "" {
		return fmt.Errorf("no data directory: set --data-dir or TAGWATCH_DATA_DIR")
	}
	if err := validateDatabase(c.Database()); err != nil {
		return err
	}
	if !slices.Contains(logLevels, c.LogLevel) {
		return fmt.Errorf("log level %q (--log-level, TAGWATCH_LOG_LEVEL) is not one of %s", c.LogLevel, strings.Join(logLevels, ", "))
	}
	if !slices.Contains(logFormats, c.LogFormat) {
		return fmt.Errorf("log format %q (--log-format, TAGWATCH_LOG_FORMAT) is not one of %s", c.LogFormat, strings.Join(logFormats, ", "))
	}
	return nil
}

// Validate returns an error that names the invalid setting and what it accepts.
func (w Worker) Validate() error {
	for _, role := range w.Serve {
		if !slices.Contains(Roles, role) {
			return fmt.Errorf("role %q (--serve, TAGWATCH_SERVE) is not one of %s", role, strings.Join(Roles, ", "))
		}
	}
	if w.Deployment == "" && w.BuildID != "" {
		return fmt.Errorf("--build-id (TAGWATCH_BUILD_ID) requires --deployment (TAGWATCH_DEPLOYMENT)")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"--poll", w.Poll, MinPoll}, {"--resync", w.Resync, time.Minute}, {"--retention", w.Retention, time.Hour}, {"--audit-retention", w.AuditRetention, time.Hour}, {"--reconcile-interval", w.Reconcile, time.Minute}, {"--feed-interval", w.FeedInterval, time.Minute},
		{"--webhook-window", w.WebhookWindow, time.Minute}, {"--analysis-cpu", w.AnalysisCPU, time.Second}, {"--analysis-wall", w.AnalysisWall, time.Second},
	} {
		if d.value < d.least {
			return fmt.Errorf("%s is %s; it must be at least %s", d.name, d.value, d.least)
		}
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"--analysis-slots", int64(w.AnalysisSlots)}, {"--analysis-memory", w.AnalysisMemory / mebibyte},
		{"--layer-store", w.LayerStore / mebibyte}, {"--clamd-max-file", w.ClamdMaxFile / mebibyte},
	} {
		if n.value < 1 {
			return fmt.Errorf("%s is %d; it must be at least 1", n.name, n.value)
		}
	}
	if w.RenewPace < 0 || w.RenewPace > maxRenewPace {
		return fmt.Errorf("--renew-pace is %d; it must be from 0, for none, to %d images an hour", w.RenewPace, maxRenewPace)
	}
	if !(w.RegistryRate > 0) {
		return fmt.Errorf("--registry-rate is %g; it must be above 0", w.RegistryRate)
	}
	if w.ConfigDir == "" && (w.ConfigOwner != "" || w.ConfigPrune) {
		return fmt.Errorf("--config-owner (TAGWATCH_CONFIG_OWNER) and --config-prune (TAGWATCH_CONFIG_PRUNE) require --config-dir (TAGWATCH_CONFIG_DIR)")
	}
	if err := w.validatePage(); err != nil {
		return err
	}
	if err := w.validateAPI(); err != nil {
		return err
	}
	return w.validatePush()
}

// MinPoll is the shortest interval between two checks of a tag.
const MinPoll = 30 * time.Second

// maxRenewPace is one image a second.
const maxRenewPace = 3600

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

func validateDatabase(text string) error {
	parsed, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("the database URL (--database-url, TAGWATCH_DATABASE_URL) cannot be parsed; use sqlite:///path or postgres://user@host/name, with special characters of a password as %%XX")
	}
	switch parsed.Scheme {
	case "sqlite", "postgres", "postgresql":
		return nil
	}
	return fmt.Errorf("the database URL (--database-url, TAGWATCH_DATABASE_URL) begins with %q; use sqlite:///path or postgres://user@host/name", parsed.Scheme+"://")
}

// defaultDataDir follows the XDG base directory specification.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tagwatch")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "share", "tagwatch")
}
