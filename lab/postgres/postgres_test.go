package postgres_test

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/lab/postgres"
)

// TestKilledServerKeepsWhatWasCommitted, however often it is killed.
func TestKilledServerKeepsWhatWasCommitted(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "tagwatch-postgres-test-") // short enough for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server, err := postgres.New(t.Context(), filepath.Join(dir, "server"), io.Discard, postgres.Unsynced...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	for n := range 3 {
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := add(t, server.URL("postgres")); got != n+1 {
			t.Errorf("%d rows after %d kills, want %d", got, n, n+1)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// add adds a row and counts them.
func add(t *testing.T, url string) (n int) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"CREATE TABLE IF NOT EXISTS kept (n INTEGER)", "INSERT INTO kept VALUES (1)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
