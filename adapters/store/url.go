package store

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// database is where a database is.
type database interface {
	// open makes the pools; it does not change the database.
	open(ctx context.Context) (*Store, error)
	// peek is open for a database that must exist.
	peek(ctx context.Context) (*Store, error)
	migrate(ctx context.Context, s *Store) error
}

// parseURL never repeats the URL in an error, since it may hold a password.
func parseURL(text string) (database, error) {
	scheme, _, found := strings.Cut(text, "://")
	if !found {
		return nil, fmt.Errorf("the database URL has no scheme; give sqlite:///absolute/path or postgres://user@host/database: %w", errkind.Invalid)
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the database URL (%s://…) cannot be read; write special characters of its password as %%XX: %w", scheme, errkind.Invalid)
	}
	switch parsed.Scheme {
	case "sqlite":
		return parseSQLite(parsed)
	case "postgres", "postgresql":
		return parsePostgres(parsed)
	}
	return nil, fmt.Errorf("database URL with scheme %q: sqlite and postgres are known: %w", parsed.Scheme, errkind.Invalid)
}

func parseSQLite(parsed *url.URL) (database, error) {
	if parsed.Host != "" || !filepath.IsAbs(parsed.Path) || strings.HasSuffix(parsed.Path, "/") {
		return nil, fmt.Errorf("database URL sqlite://%s%s does not name a file by its absolute path, as in sqlite:///var/lib/tagwatch/tagwatch.db: %w",
			parsed.Host, parsed.Path, errkind.Invalid)
	}
	return sqliteFile{path: filepath.Clean(parsed.Path)}, nil
}

// parsePostgres adds the name under which the server lists our connections and a limit for
// connecting, unless the URL has its own.
func parsePostgres(parsed *url.URL) (database, error) {
	options := parsed.Query()
	setDefault(options, "application_name", "tagwatch")
	setDefault(options, "connect_timeout", "10") // seconds
	name := "PostgreSQL at " + hostOf(parsed, options) + ", database " + strings.TrimPrefix(parsed.Path, "/")
	parsed.RawQuery = options.Encode()
	return postgresServer{dsn: parsed.String(), name: name}, nil
}

func hostOf(parsed *url.URL, options url.Values) string {
	if parsed.Host != "" {
		return parsed.Host
	}
	if host := options.Get("host"); host != "" {
		return host
	}
	return "localhost"
}

func setDefault(options url.Values, key, value string) {
	if !options.Has(key) {
		options.Set(key, value)
	}
}
