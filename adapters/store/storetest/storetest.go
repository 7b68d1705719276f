// Package storetest gives tests databases of their own.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/adapters/store"
)

// Server is the variable that names the PostgreSQL server on which tests make databases;
// without it, they run on SQLite alone.
const Server = "TAGWATCH_TEST_POSTGRES"

// Each runs a test on SQLite and, where there is a server, on PostgreSQL. What is passed to
// the test opens a new database, which ends with the test that it is opened for.
func Each(t *testing.T, test func(t *testing.T, open func(testing.TB) *store.Store)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open)
	})
	if server := os.Getenv(Server); server != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			test(t, func(t testing.TB) *store.Store { return opened(t, Create(t, server)) })
		})
	}
}

// Create makes an empty database on a PostgreSQL server, which ends with the test, and
// returns its URL.
func Create(t testing.TB, server string) string {
	t.Helper()
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = admin.Close() // it has done its work
	})
	parsed.Path = "/" + name
	return parsed.String()
}

// Open opens a new database in a file of SQLite, which ends with the test. All
// are copies of one: the migrations take longer than most tests.
func Open(t testing.TB) *store.Store {
	t.Helper()
	file, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tagwatch.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return opened(t, "sqlite://"+path)
}

func opened(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // nothing is read from it any more
	return s
}

// migrated is the file of an empty database.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tagwatch-migrated-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tagwatch.db")
	made, err := store.Open(context.Background(), "sqlite://"+path)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil { // writes its log back into the file
		return nil, err
	}
	return os.ReadFile(path)
})
