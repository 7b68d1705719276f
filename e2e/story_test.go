// Package e2e_test drives the built programs as a user would, against a real
// Temporal server, a real registry, a real receiver, SQLite and PostgreSQL.
package e2e_test

import (
	"path/filepath"
	"testing"

	"github.com/tagwatch/tagwatch/lab/story"
)

// TestStory tells the demo's story on each database: every notification comes
// with its cause, and nothing else does.
func TestStory(t *testing.T) {
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var settings []string
			if database != "" {
				settings = append(settings, "TAGWATCH_DATABASE_URL="+database)
			}
			dir := t.TempDir()
			log := newLog(t)
			telling, err := story.New(log, log, bin(t), filepath.Join(dir), settings...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { must(t, telling.Close()) })
			if err := telling.Tell(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
