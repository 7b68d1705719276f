package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// TestOpenDamagedInside: a database with a sound beginning and a damaged page is
// noticed when the worker starts, with what to do.
func TestOpenDamagedInside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tagwatch.db")
	made, err := store.Open(t.Context(), "sqlite://"+path)
	check(t, err)
	check(t, made.Check(t.Context()))
	check(t, made.Close())
	sound, err := os.ReadFile(path)
	check(t, err)
	const page = 4096
	refused := 0
	for at := page; at+page <= len(sound); at += page {
		damaged := bytes.Clone(sound)
		copy(damaged[at:at+page], bytes.Repeat([]byte("damaged!"), page/8))
		check(t, os.WriteFile(path, damaged, 0o600))
		opened, err := store.Open(t.Context(), "sqlite://"+path)
		if err == nil {
			err = opened.Check(t.Context())
			check(t, opened.Close())
		}
		if err == nil {
			continue // a page that is free
		}
		refused++
		if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "-wal") {
			t.Fatalf("page %d: %v", at/page, err)
		}
		for _, beside := range []string{"-wal", "-shm"} {
			_ = os.Remove(path + beside)
		}
	}
	if pages := len(sound)/page - 1; refused < pages*9/10 {
		t.Errorf("%d of %d damaged pages were noticed", refused, pages)
	}
}
