package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	_ "github.com/glebarez/go-sqlite" // registers the driver "sqlite"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// sqliteFile is a database in a file of SQLite.
type sqliteFile struct{ path string }

// sqliteReaders is how many connections read at a time.
const sqliteReaders = 4

// sqlitePragmas hold for each connection. A writer of another process may hold
// the lock for as long as an update of the vulnerability data takes. Commits
// reach the disk before they are reported: a notification that was notified must
// not be forgotten, its cursor not be given to another.
var sqlitePragmas = []string{
	"busy_timeout(60000)", // milliseconds
	"synchronous(FULL)",
	"foreign_keys(ON)",
	"cache_size(-8000)",            // 8 MB
	"journal_size_limit(67108864)", // 64 MiB
}

func (f sqliteFile) open(context.Context) (*Store, error) {
	if err := f.create(); err != nil {
		return nil, err
	}
	if err := f.verify(); err != nil {
		return nil, err
	}
	writing, err := sqlx.Open("sqlite", f.dsn("immediate"))
	if err != nil {
		return nil, fmt.Errorf("open database file %s: %w", f.path, err)
	}
	reading, err := sqlx.Open("sqlite", f.dsn("deferred"))
	if err != nil {
		return nil, fmt.Errorf("open database file %s: %w", f.path, err)
	}
	writing.SetMaxOpenConns(1)
	reading.SetMaxOpenConns(sqliteReaders)
	reading.SetMaxIdleConns(sqliteReaders)
	return &Store{reading: reading, writing: writing, name: "the database file " + f.path}, nil
}

// peek is open for a file that exists.
func (f sqliteFile) peek(ctx context.Context) (*Store, error) {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("database file %s does not exist: %w", f.path, errkind.NotFound)
	}
	return f.open(ctx)
}

func (f sqliteFile) dsn(lock string) string {
	options := url.Values{"_pragma": sqlitePragmas, "_txlock": {lock}}
	return (&url.URL{Scheme: "file", Path: f.path, RawQuery: options.Encode()}).String()
}

// create makes an empty file that only its owner reads, unless there is one.
func (f sqliteFile) create() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("database file %s: the directory %s does not exist; create it: %w", f.path, filepath.Dir(f.path), errkind.Invalid)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("database file %s: this user may not read and write it: %w", f.path, errkind.Unauthorized)
	case err != nil:
		return fmt.Errorf("open the database file: %w", err) // names it
	}
	return file.Close()
}

// header begins every database of SQLite.
const header = "SQLite format 3\x00"

// verify refuses what is no database before SQLite touches it.
func (f sqliteFile) verify() error {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("open database file %s: %w", f.path, err)
	}
	defer file.Close()
	start := make([]byte, len(header))
	n, err := io.ReadFull(file, start)
	if err == io.EOF {
		return nil // empty: a new one
	}
	if n < len(header) || string(start) != header {
		return fmt.Errorf("the file %s is not a database of SQLite, or it is damaged; nothing was changed: %s: %w", f.path, repair, errkind.Invalid)
	}
	return nil
}

// migrate lets one process at a time change the schema. Switching to the
// write-ahead log belongs under the same lock, because SQLite does not wait for
// others there.
func (f sqliteFile) migrate(ctx context.Context, s *Store) error {
	unlock, err := lockFile(f.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := s.writing.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	err = s.migrate(ctx, goose.DialectSQLite3, "sqlite")
	if err == nil {
		return nil
	}
	if damaged := s.Check(ctx); errors.Is(damaged, errkind.Invalid) {
		return damaged // of which the other is a consequence
	}
	return err
}

// Check looks for damage in a file of SQLite, before anything is written: later it
// would be an error here and there, and be spread by each write. PostgreSQL checks
// after itself.
func (s *Store) Check(ctx context.Context) error {
	if s.reading.DriverName() == "postgres" {
		return nil
	}
	var found string
	err := s.reading.GetContext(ctx, &found, "PRAGMA quick_check(1)")
	if err == nil && found != "ok" {
		return fmt.Errorf("%s is damaged (%s); nothing was changed: %s: %w", s.name, found, repair, errkind.Invalid)
	}
	return s.explain("check the database", err)
}

// lockFile waits until no other process holds the lock. The kernel drops it with
// the process, so a file left behind locks nobody out.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}
