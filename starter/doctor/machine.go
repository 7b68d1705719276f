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
		e.ok("traces", "are sent to %s", hostOf(cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))))
	}
}

// hostOf is the part of an address that may be shown.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return "an address that cannot be read"
	}
	return parsed.Host
}

// sandbox reports whether this kernel keeps an analysis in its folder.
func (e *examination) sandbox() {
	const subject = "sandbox"
	if landlock.Possible() {
		e.ok(subject, "an analysis here reads its image and nothing else (Landlock)")
		return
	}
	e.warn(subject, "run workers with the role analysis on Linux 5.13 or later with landlock among lsm= of the kernel's command line, or as a user of their own",
		"this kernel has no Landlock: an analysis here can read what its user can read, such as the database and the configuration of Docker")
}

// dataDir looks at the disk, which is a worker's only where a worker runs.
func (e *examination) dataDir() {
	const subject = "disk"
	dir := e.Session.Settings.DataDir
	var disk syscall.Statfs_t
	err := syscall.Statfs(dir, &disk)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.ok(subject, "no data directory %s here; the workers style after their own disks", dir)
		return
	case err != nil:
		e.fail(subject, "let this user read it, or set --data-dir (TAGWATCH_DATA_DIR)", "the data directory %s cannot be looked at: %s", dir, err)
		return
	}
	free := disk.Bavail * uint64(disk.Bsize)
	message := fmt.Sprintf("%.1f GiB free in the data directory %s", float64(free)/gibibyte, dir)
	remedy := "layers and vulnerability data are kept there: make room, or lower --layer-store of the workers"
	switch {
	case free < lackingSpace:
		e.fail(subject, remedy, "%s", message)
	case free < scarceSpace:
		e.warn(subject, remedy, "%s", message)
	default:
		e.ok(subject, "%s", message)
	}
}

// conflicts looks for settings that make no sense together.
func (e *examination) conflicts() {
	const subject = "settings"
	before := len(e.found)
	options, err := session.TemporalOptions()
	if err != nil {
		e.fail(subject, "see TEMPORAL_... and the file of TEMPORAL_CONFIG_FILE", "%s", err)
		return
	}
	database, _ := url.Parse(e.Session.Settings.Database()) // validated
	if database.Scheme == "sqlite" && !loopback(options.HostPort) {
		e.warn(subject, "set --database-url (TAGWATCH_DATABASE_URL) to the workers' database",
			"Temporal is on another machine (%s) and the database is a file on this one, which its workers do not see", options.HostPort)
	}
	if database.Query().Get("sslmode") == "disable" && !near(database.Host) {
		e.warn(subject, "use sslmode=verify-full where the way to the database is not trusted", "the connection to the database at %s is not encrypted", database.Host)
	}
	if password, set := database.User.Password(); set && password == "development" {
		e.warn(subject, "set passwords in .env before the first start; docs/operations.md says how to change them later", "the database's password is the one of the examples")
	}
	if options.Credentials == nil && options.ConnectionOptions.TLS == nil && !near(options.HostPort) {
		e.warn(subject, "set TEMPORAL_TLS_... or TEMPORAL_API_KEY where the way to Temporal is not trusted", "the connection to Temporal at %s is not encrypted", options.HostPort)
	}
	if len(e.found) == before {
		e.ok(subject, "nothing contradicts")
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
	const subject = "database"
	kept, schema, err := store.Peek(ctx, e.Session.Settings.Database())
	switch {
	case errors.Is(err, errkind.NotFound):
		e.fail(subject, "set --data-dir or --database-url as the workers have it, or start the first worker, which makes it: tagwatch up", "%s", errkind.Text(err))
		return
	case err != nil:
		e.fail(subject, "see --database-url (TAGWATCH_DATABASE_URL), and whether the server runs", "%s", errkind.Text(err))
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
		e.fail(subject, "start a worker, which makes them: tagwatch up, or tagwatch-worker", "the database has no tables of Tagwatch")
	case schema.Current < schema.Known:
		e.warn(subject, "workers of this version bring it up to date when they start", "version %d of the database is older than version %d of this program", schema.Current, schema.Known)
	case schema.Current > schema.Known:
		e.warn(subject, "replace this program (and old workers) by the version that the newest workers have",
			"version %d of the database is newer than version %d of this program", schema.Current, schema.Known)
	default:
		e.ok(subject, "version %d, which this program knows", schema.Current)
	}
}

func (e *examination) clock(ctx context.Context, kept *store.Store) {
	const subject = "database"
	before := time.Now()
	there, err := kept.Clock(ctx)
	if err != nil {
		e.fail(subject, "see whether the server is well", "%s", errkind.Text(err))
		return
	}
	took := time.Since(before)
	if skew := there.Sub(before.Add(took / 2)).Abs(); skew > clockSkew+took {
		e.warn(subject, "have both machines follow a time server: due dates and signatures depend on it", "its clock and this machine's differ by %s", skew.Round(time.Second))
		return
	}
	e.ok(subject, "%s answers within %s", hostOrFile(e.Session.Settings.Database()), max(took.Round(time.Millisecond), time.Millisecond))
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
