package feed_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/vuln"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// three fetches three builds.
func three(t *testing.T, s stage) (checksums []string) {
	t.Helper()
	for i := range 3 {
		s.publish(t, build(t, labfeed.Vulnerability{Provider: labfeed.Debian, ID: "CVE-2025-" + string(rune('1'+i)), Package: "bash"}))
		build, err := s.sync(t.Context())
		must(t, err)
		checksums = append(checksums, build.Checksum)
	}
	return checksums
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	all := three(t, s)
	must(t, os.MkdirAll(filepath.Join(s.root, "partial-"+strings.Repeat("0", 64), "6"), 0o755)) // by a crash
	must(t, s.Prune(all[1], all[2]))
	want := []string{strings.TrimPrefix(all[1], "sha256:"), strings.TrimPrefix(all[2], "sha256:")}
	slices.Sort(want)
	if diff := cmp.Diff(want, s.entries(t)); diff != "" {
		t.Errorf("directory (-want +got):\n%s", diff)
	}
	local, err := s.Local()
	must(t, err)
	if len(local) != 2 || s.Has(all[0]) || !s.Has(all[1]) {
		t.Errorf("builds %v", local)
	}
}

func TestPruneSparesWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	all := three(t, s)
	path, err := s.Path(all[0])
	must(t, err)
	use, err := os.OpenFile(filepath.Join(path, "in-use"), os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	must(t, syscall.Flock(int(use.Fd()), syscall.LOCK_SH))
	must(t, s.Prune(all[2]))
	if !s.Has(all[0]) || s.Has(all[1]) {
		t.Errorf("the build in use is there: %v; the other: %v", s.Has(all[0]), s.Has(all[1]))
	}
	must(t, use.Close())
	must(t, s.Prune(all[2]))
	if s.Has(all[0]) {
		t.Error("it stays when nobody uses it any more")
	}
}

func TestCrashWhileFetching(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	database := build(t)
	s.publish(t, database)
	partial := filepath.Join(s.root, "partial-"+strings.TrimPrefix(database.Checksum, "sha256:"))
	must(t, os.MkdirAll(filepath.Join(partial, "6"), 0o755))
	must(t, os.WriteFile(filepath.Join(partial, "6", "vulnerability.db"), []byte("half"), 0o600))
	if s.Has(database.Checksum) {
		t.Fatal("what a crash left counts as a build")
	}
	build, err := s.sync(t.Context())
	must(t, err)
	if diff := cmp.Diff([]string{dirOf(build)}, s.entries(t)); diff != "" {
		t.Errorf("directory (-want +got):\n%s", diff)
	}
}

// TestWorkersShareADirectory lets several processes' worth of feeds want the same
// build at once.
func TestWorkersShareADirectory(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	database := build(t)
	s.publish(t, database)
	offer, err := s.Latest(t.Context())
	must(t, err)
	var workers sync.WaitGroup
	for range 4 {
		worker := open(t, s.root, feed.Options{URL: s.publisher.URL()})
		workers.Go(func() {
			wanted := vuln.Build{Checksum: offer.Checksum, URL: offer.URL}
			if err := worker.Ensure(t.Context(), wanted); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if got := len(s.publisher.Requests()); got != 2 { // the listing and one archive
		t.Errorf("%d requests: %v", got, s.publisher.Requests())
	}
}

// TestTidySparesWhatArrivedLately: another step may be about to use it.
func TestTidySparesWhatArrivedLately(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	all := three(t, s)
	must(t, s.Tidy(all[2]))
	if !s.Has(all[0]) || !s.Has(all[1]) {
		t.Error("what has just arrived is gone")
	}
	for _, checksum := range all {
		path, err := s.Path(checksum)
		must(t, err)
		long := time.Now().Add(-2 * time.Hour)
		must(t, os.Chtimes(filepath.Join(filepath.Dir(path), "build.json"), long, long))
	}
	must(t, s.Tidy(all[2]))
	if s.Has(all[0]) || s.Has(all[1]) || !s.Has(all[2]) {
		t.Error("not what is to be kept is left, and nothing else")
	}
}
