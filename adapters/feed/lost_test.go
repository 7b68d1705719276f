package feed_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// TestLostParts: a build whose directory has lost a part is not here, is
// fetched again, when it is needed, and does not block it.
func TestLostParts(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"6/vulnerability.db", "6/import.json", "build.json", "6", "all"} {
		for _, empty := range []bool{false, true} {
			name := map[bool]string{false: "without ", true: "empty "}[empty] + lost
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, feed.Options{})
				s.publish(t, build(t))
				build, err := s.sync(t.Context())
				must(t, err)
				dir := filepath.Join(s.root, dirOf(build))
				part := filepath.Join(dir, lost)
				if lost == "all" {
					part = dir
				}
				must(t, os.RemoveAll(part))
				if empty && filepath.Ext(part) != "" {
					must(t, os.WriteFile(part, nil, 0o600))
				} else if empty {
					must(t, os.Mkdir(part, 0o700))
				}
				if _, err := s.Path(build.Checksum); !errors.Is(err, errkind.NotFound) {
					t.Errorf("it is said to be here: %v", err)
				}
				must(t, s.Ensure(t.Context(), build))
				if _, err := s.Describe(t.Context(), build.Checksum); err != nil || !s.Has(build.Checksum) {
					t.Errorf("after it was fetched again: %v", err)
				}
				must(t, os.RemoveAll(filepath.Join(dir, "6")))
				if _, err := s.sync(t.Context()); err != nil || !s.Has(build.Checksum) {
					t.Errorf("by the next sync: %v", err)
				}
				if left := s.entries(t); !slices.Equal(left, []string{dirOf(build)}) {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}
