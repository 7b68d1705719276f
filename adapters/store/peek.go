package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/schema"
)

// Schema is which version of the schema a database has, and what this program
// knows.
type Schema struct {
	Current, Known int64
}

// Peek opens a database as it is: it is neither made nor brought up to date.
// Current is 0 for an empty one. fault.NotFound where there is no database.
func Peek(ctx context.Context, url string) (*Store, Schema, error) {
	from, err := parseURL(url)
	if err != nil {
		return nil, Schema{}, err
	}
	s, err := from.peek(ctx)
	if err != nil {
		return nil, Schema{}, err
	}
	found := Schema{Known: knownVersion()}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, found, err
	}
	// An empty database has no such table, which is no error here.
	if err := s.reading.GetContext(ctx, &found.Current, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`); err != nil {
		found.Current = 0
	}
	return s, found, nil
}

// knownVersion is the newest migration of this program.
func knownVersion() int64 {
	files, err := schema.Files.ReadDir("postgres")
	if err != nil {
		return 0 // embedded: it is there
	}
	newest := int64(0)
	for _, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		if version, err := strconv.ParseInt(number, 10, 64); err == nil {
			newest = max(newest, version)
		}
	}
	return newest
}

// Clock is what time the database's machine has; the local time with SQLite,
// which has no machine of its own.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	if s.writing != s.reading { // SQLite
		return time.Now(), nil
	}
	var now time.Time
	err := s.reading.GetContext(ctx, &now, `SELECT clock_timestamp()`)
	return now, s.explain("read the clock", err)
}
