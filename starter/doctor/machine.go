package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/starter/session"
)

// Free space below which a data directory is too small for new layers and
// vulnerability data.
const (
	gibibyte     = 1 << 30
	scarceSpace  = 5 * gibibyte
	lackingSpace = gibibyte
	clockSkew    = 5 * time.Second
)

// settings looks at what is set on this machine.
func (e *examination) settings(context.Context) {
	e.dataDir()
	if _, err := os.Stat(e.Session.Settings.DataDir); err == nil {
		e.sandbox()
	}
	e.conflicts()
	if e.Traces.On() {
		e.OK("traces", "traces are sent to %s", hostOf(cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))))
	}
}

// hostOf is the part of an address that may be shown.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return "an invalid address"
	}
	return parsed.Host
}

// sandbox reports whether this kernel keeps an analysis in its folder.
func (e *examination) sandbox() {
	const subject = "sandbox"
	if landlock.Possible() {
		e.OK(subject, "analyses can read only their own image (Landlock)")
		return
	}
	e.Warn(subject, "run analysis workers on Linux 5.13 or later with landlock in the kernel's lsm= list, or as a separate user",
		"this kernel has no Landlock: an analysis can read everything that its user can, such as the database and Docker's configuration")
}

// dataDir looks at the disk, which is a worker's only where a worker runs.
func (e *examination) dataDir() {
	const subject = "disk"
	dir := e.Session.Settings.DataDir
	var disk syscall.Statfs_t
	err := syscall.Statfs(dir, &disk)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.OK(subject, "data directory %s does not exist here; workers check their own disks", dir)
		return
	case err != nil:
		e.Fail(subject, "give this user read access, or set --data-dir (TAGWATCH_DATA_DIR)", "cannot check the data directory %s: %s", dir, err)
		return
	}
	free := disk.Bavail * uint64(disk.Bsize)
	message := fmt.Sprintf("%.1f GiB free in the data directory %s", float64(free)/gibibyte, dir)
	remedy := "it holds layers and vulnerability data: free disk space, or lower the workers' --layer-store"
	switch {
	case free < lackingSpace:
		e.Fail(subject, remedy, "%s", message)
	case free < scarceSpace:
		e.Warn(subject, remedy, "%s", message)
	default:
		e.OK(subject, "%s", message)
	}
}

// conflicts looks for settings that make no sense together.
func (e *examination) conflicts() {
	const subject = "settings"
	before := len(e.Checks)
	options, err := session.TemporalOptions()
	if err != nil {
		e.Fail(subject, "check TEMPORAL_... and TEMPORAL_CONFIG_FILE", "%s", err)
		return
	}
	database, _ := url.Parse(e.Session.Settings.Database()) // validated
	if database.Scheme == "sqlite" && !loopback(options.HostPort) {
		e.Warn(subject, "set --database-url (TAGWATCH_DATABASE_URL) to the workers' database",
			"Temporal is on another machine (%s), but the database is a local file that workers there cannot read", options.HostPort)
	}
	if database.Query().Get("sslmode") == "disable" && !near(database.Host) {
		e.Warn(subject, "use sslmode=verify-full on untrusted networks", "the connection to the database at %s is not encrypted", database.Host)
	}
	if password, set := database.User.Password(); set && password == "development" {
		e.Warn(subject, "set passwords in .env before the first start; to change them later, see docs/operations.md", "the database uses the example password")
	}
	if options.Credentials == nil && options.ConnectionOptions.TLS == nil && !near(options.HostPort) {
		e.Warn(subject, "set TEMPORAL_TLS_... or TEMPORAL_API_KEY on untrusted networks", "the connection to Temporal at %s is not encrypted", options.HostPort)
	}
	if len(e.Checks) == before {
		e.OK(subject, "settings are consistent, with Temporal at %s", options.HostPort)
	}
}

// loopback reports whether an address leads to this machine.
func loopback(address string) bool {
	host := hostname(address)
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// near reports whether an address leads to this machine or to a network of its own,
// as that of containers, where names have no dots.
func near(address string) bool {
	host := hostname(address)
	ip := net.ParseIP(host)
	return loopback(address) || ip == nil && !strings.Contains(host, ".") || ip != nil && ip.IsPrivate()
}

func hostname(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// database looks at it as it is: a doctor that brings the schema up to date
// would end what it should report.
func (e *examination) database(ctx context.Context) {
	const subject = subjectDatabase
	kept, schema, err := store.Peek(ctx, e.Session.Settings.Database())
	switch {
	case errors.Is(err, errkind.NotFound):
		e.Fail(subject, "set --data-dir or --database-url to the workers' value, or start the first worker, which creates it: tagwatch up", "%s", errkind.Text(err))
		return
	case err != nil:
		e.Fail(subject, "check --database-url (TAGWATCH_DATABASE_URL) and that the server is running", "%s", errkind.Text(err))
		return
	}
	e.schema(schema)
	e.clock(ctx, kept)
	if schema.Current != schema.Known {
		_ = kept.Close() // nothing is read from a schema that this program does not know
		return
	}
	e.Stored = kept
}

func (e *examination) schema(schema store.Schema) {
	const subject = "schema"
	switch {
	case schema.Current == 0:
		e.Fail(subject, "start a worker, which creates them: tagwatch up or tagwatch-worker", "the database has no Tagwatch tables")
	case schema.Current < schema.Known:
		e.Warn(subject, "workers of this version upgrade it when they start", "version %d of the database is older than version %d of this program", schema.Current, schema.Known)
	case schema.Current > schema.Known:
		e.Warn(subject, "update this program (and older workers) to the version of the newest workers",
			"version %d of the database is newer than version %d of this program", schema.Current, schema.Known)
	default:
		e.OK(subject, "version %d, current", schema.Current)
	}
}

func (e *examination) clock(ctx context.Context, kept *store.Store) {
	const subject = subjectDatabase
	before := time.Now()
	there, err := kept.Clock(ctx)
	if err != nil {
		e.Fail(subject, "check the database server", "%s", errkind.Text(err))
		return
	}
	took := time.Since(before)
	if skew := there.Sub(before.Add(took / 2)).Abs(); skew > clockSkew+took {
		e.Warn(subject, "synchronize both clocks (NTP): schedules and signatures depend on them", "its clock differs from this machine's by %s", skew.Round(time.Second))
		return
	}
	e.OK(subject, "%s responds within %s", hostOrFile(e.Session.Settings.Database()), max(took.Round(time.Millisecond), time.Millisecond))
}

func hostOrFile(database string) string {
	parsed, err := url.Parse(database)
	if err != nil {
		return "it"
	}
	if parsed.Scheme == "sqlite" {
		return "the file " + parsed.Path
	}
	return "PostgreSQL at " + cmp.Or(parsed.Host, parsed.Query().Get("host"))
}
