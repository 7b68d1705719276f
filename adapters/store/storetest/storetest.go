// Package storetest gives tests databases of their own.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/store"
)

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
	opened, err := store.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() }) // nothing is read from it any more
	return opened
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
