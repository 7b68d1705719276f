package store_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/schema"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	check(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600))
	short := filepath.Join(dir, "short.db")
	check(t, os.WriteFile(short, []byte("SQLite"), 0o600))
	tests := []struct {
		name string
		url  string
		want error
		says string
	}{
		{"no scheme", "/var/lib/tagwatch.db", errkind.Invalid, "sqlite:///absolute/path"},
		{"unknown scheme", "mysql://user:hunter2@host/db", errkind.Invalid, "mysql"},
		{"unreadable", "postgres://user:hunter2@host:port/db", errkind.Invalid, "%XX"},
		{"relative path", "sqlite://tagwatch.db", errkind.Invalid, "absolute path"},
		{"a directory", "sqlite:///var/lib/", errkind.Invalid, "absolute path"},
		{"missing directory", "sqlite://" + dir + "/missing/tagwatch.db", errkind.Invalid, dir + "/missing does not exist"},
		{"not a database", "sqlite://" + garbage, errkind.Invalid, garbage},
		{"cut off", "sqlite://" + short, errkind.Invalid, short},
		{"unreachable", "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable", errkind.Unavailable, "127.0.0.1:1"},
		{"unknown option", "postgres://user:hunter2@127.0.0.1:1/db?sslmode=hunter2", errkind.Invalid, "127.0.0.1:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := store.Open(t.Context(), test.url)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v that says %q", err, test.want, test.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestOpenLeavesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	check(t, os.WriteFile(path, []byte("shopping list: milk, eggs, bread"), 0o600))
	_, err := store.Open(t.Context(), "sqlite://"+path)
	if !errors.Is(err, errkind.Invalid) {
		t.Fatalf("got %v", err)
	}
	content, err := os.ReadFile(path)
	check(t, err)
	entries, err := os.ReadDir(filepath.Dir(path))
	check(t, err)
	if string(content) != "shopping list: milk, eggs, bread" || len(entries) != 1 {
		t.Errorf("the file or its directory was changed: %q, %v", content, entries)
	}
}

// TestOpenDamaged cuts a database off behind its header.
func TestOpenDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tagwatch.db")
	s := open(t, "sqlite://"+path)
	check(t, s.Close())
	whole, err := os.ReadFile(path)
	check(t, err)
	for name, damaged := range map[string][]byte{
		"cut off":     whole[:len(whole)/2],
		"overwritten": append(append([]byte{}, whole[:100]...), make([]byte, len(whole)-100)...),
	} {
		check(t, os.WriteFile(path, damaged, 0o600))
		_, err := store.Open(t.Context(), "sqlite://"+path)
		if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "put a copy back") {
			t.Errorf("%s: got %v", name, err)
		}
		left, err := os.ReadFile(path)
		check(t, err)
		if string(left) != string(damaged) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestOpenPathWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "100% ä?#&.db")
	s := open(t, "sqlite://"+strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", " ", "%20").Replace(path))
	check(t, s.Ping(t.Context()))
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others can read it", info.Mode())
	}
}

func TestOpenTwice(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		first := open(t, url)
		subscribe(t, first, target(t, "docker.io/library/nginx:1.27"))
		second := open(t, url)
		targets, err := second.Registries(t.Context())
		check(t, err)
		if len(targets) != 1 {
			t.Errorf("the second sees %v", targets)
		}
	})
}

// TestOpenNewer: while a version replaces another, the old one goes on with the
// schema of the new one.
func TestOpenNewer(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		check(t, open(t, url).Close())
		execute(t, url, "ALTER TABLE target ADD COLUMN later TEXT NOT NULL DEFAULT ''")
		execute(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
		s := open(t, url)
		subscribe(t, s, target(t, "nginx:1"))
		check(t, s.Close())
	})
}

// TestOpenTooNew: a migration can say that programs before it must stop.
func TestOpenTooNew(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		check(t, open(t, url).Close())
		execute(t, url, "UPDATE min_compatible_version SET version = 99999")
		execute(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
		_, err := store.Open(t.Context(), url)
		if !errors.Is(err, errkind.Conflict) || !strings.Contains(err.Error(), "99999") || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPeek checks a database without changing it.
func TestPeek(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		s, before, err := store.Peek(t.Context(), url)
		if strings.HasPrefix(url, "sqlite") {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("without a file: %v", err)
			}
		} else {
			check(t, err)
			check(t, s.Close())
		}
		if before.Current != 0 {
			t.Errorf("an empty database has version %d", before.Current)
		}
		check(t, open(t, url).Close())
		s, after, err := store.Peek(t.Context(), url)
		check(t, err)
		defer s.Close()
		if after.Current == 0 || after.Current != after.Known {
			t.Errorf("got %+v", after)
		}
		clock, err := s.Clock(t.Context())
		check(t, err)
		if skew := time.Since(clock).Abs(); skew > time.Minute {
			t.Errorf("the clock is off by %s", skew)
		}
	})
}

// TestOpenOlder brings a database of each earlier version up to date.
func TestOpenOlder(t *testing.T) {
	migrations, err := schema.Files.ReadDir("sqlite")
	check(t, err)
	every := 1
	if testing.Short() { // one goes after the other: nothing happens at once
		every = 8
	}
	eachURL(t, func(t *testing.T, url string) {
		for i := 0; i < len(migrations); i += every {
			migration := migrations[i]
			folder, dialect := "postgres", goose.DialectPostgres
			if strings.HasPrefix(url, "sqlite") {
				folder, dialect = "sqlite", goose.DialectSQLite3
			}
			migrateTo(t, url, folder, dialect, version(t, migration.Name()))
			s := open(t, url)
			subscribe(t, s, target(t, "nginx:1"))
			check(t, s.Close())
			// The next version begins anew.
			if folder == "sqlite" {
				url += "x"
			} else {
				execute(t, url, "DROP SCHEMA public CASCADE")
				execute(t, url, "CREATE SCHEMA public")
			}
		}
	})
}

// version is the number that a migration's name begins with.
func version(t *testing.T, migration string) int64 {
	t.Helper()
	number, err := goose.NumericComponent(migration)
	check(t, err)
	return number
}

func migrateTo(t *testing.T, url, folder string, dialect goose.Dialect, version int64) {
	t.Helper()
	db := connect(t, url)
	defer db.Close()
	files, err := fs.Sub(schema.Files, folder)
	check(t, err)
	provider, err := goose.NewProvider(dialect, db.DB, files)
	check(t, err)
	_, err = provider.UpTo(t.Context(), version)
	check(t, err)
}

// connect opens a database behind the store's back.
func connect(t *testing.T, url string) *sqlx.DB {
	t.Helper()
	driver, source := "postgres", url
	if path, found := strings.CutPrefix(url, "sqlite://"); found {
		driver, source = "sqlite", path
	}
	db, err := sqlx.Connect(driver, source)
	check(t, err)
	return db
}

// execute runs a statement behind the store's back.
func execute(t *testing.T, url, statement string) {
	t.Helper()
	db := connect(t, url)
	defer db.Close()
	_, err := db.Exec(statement)
	check(t, err)
}

// TestMigrationsPair keeps the numbers of both matchers equal, whatever the
// conformance suite makes of what is in them.
func TestMigrationsPair(t *testing.T) {
	t.Parallel()
	postgres, err := schema.Files.ReadDir("postgres")
	check(t, err)
	sqlite, err := schema.Files.ReadDir("sqlite")
	check(t, err)
	if len(postgres) != len(sqlite) {
		t.Fatalf("%d and %d migrations", len(postgres), len(sqlite))
	}
	for i := range postgres {
		if postgres[i].Name() != sqlite[i].Name() {
			t.Errorf("%s beside %s", postgres[i].Name(), sqlite[i].Name())
		}
	}
}

// childURL makes this test program a process that does something to a database.
const childURL = "TAGWATCH_TEST_CHILD"

func child(t *testing.T, url, test string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	command.Env = append(os.Environ(), childURL+"="+url, storetest.Server+"=")
	return command
}

func TestOpenFromProcessesAtOnce(t *testing.T) {
	if url := os.Getenv(childURL); url != "" {
		open(t, url)
		return
	}
	eachURL(t, func(t *testing.T, url string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if out, err := child(t, url, "TestOpenFromProcessesAtOnce").CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		all.Wait()
		check(t, open(t, url).Ping(t.Context()))
	})
}
