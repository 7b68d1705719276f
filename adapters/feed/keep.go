package feed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// inUseFile has a shared lock of each process that has the build's database open.
const inUseFile = "in-use"

// lockPause is the pause between attempts to take the lock.
const lockPause = 50 * time.Millisecond

// lock waits until no other process changes the directory.
func (f *Feed) lock(ctx context.Context) (unlock func(), err error) {
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for {
		unlock, err := f.tryLock()
		if err != nil || unlock != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock feed directory: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// tryLock returns nil when another process has the lock.
func (f *Feed) tryLock() (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(f.root, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock feed directory: %w", err)
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil, file.Close()
	}
	return func() { _ = file.Close() }, nil // closing unlocks
}

// Local returns the checksums of the builds that are here, sorted.
func (f *Feed) Local() ([]string, error) {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	var checksums []string
	for _, entry := range entries {
		if checksum := "sha256:" + entry.Name(); f.Has(checksum) {
			checksums = append(checksums, checksum)
		}
	}
	return checksums, nil
}

// lately is the age up to which Tidy spares builds.
const lately = time.Hour

// Prune removes all builds but those to keep, and what crashes left behind.
// Open builds stay until a later call, as does everything while a build is being
// added.
func (f *Feed) Prune(keep ...string) error {
	return f.prune(func(checksum string) bool { return slices.Contains(keep, checksum) })
}

// Tidy is Prune for processes that do not know which builds others are about to use:
// it also spares recent ones.
func (f *Feed) Tidy(keep ...string) error {
	return f.prune(func(checksum string) bool {
		return slices.Contains(keep, checksum) || f.age(checksum) < lately
	})
}

// age is how long a build has been here; none for one that is not.
func (f *Feed) age(checksum string) time.Duration {
	dir, err := f.dir(checksum)
	if err != nil {
		return 0
	}
	info, err := os.Stat(filepath.Join(dir, descriptionFile))
	if err != nil {
		return 0
	}
	return time.Since(info.ModTime())
}

func (f *Feed) prune(spare func(checksum string) bool) error {
	unlock, err := f.tryLock()
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	local, err := f.Local()
	if err != nil {
		return err
	}
	for _, checksum := range local {
		if spare(checksum) {
			continue
		}
		if _, err := f.remove(checksum); err != nil {
			return err
		}
	}
	return f.removePartial()
}

// remove removes a build unless it is in use. The directory lock is held.
func (f *Feed) remove(checksum string) (bool, error) {
	dir, err := f.dir(checksum)
	if err != nil {
		return false, err
	}
	use, err := os.OpenFile(filepath.Join(dir, modelDir, inUseFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false, fmt.Errorf("remove build %s: %w", checksum, err)
	}
	defer func() { _ = use.Close() }() // unlocks
	if syscall.Flock(int(use.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false, nil
	}
	f.verified.Delete(checksum)
	// Renamed first: what a crash leaves half removed must not look like a build.
	partial := filepath.Join(f.root, partialPrefix+filepath.Base(dir))
	if err := errors.Join(os.RemoveAll(partial), os.Rename(dir, partial), os.RemoveAll(partial)); err != nil {
		return false, fmt.Errorf("remove build %s: %w", checksum, err)
	}
	return true, nil
}

// removePartial removes unfinished builds, which no process is making while the
// directory lock is held, and those that have lost a part.
func (f *Feed) removePartial() error {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return fmt.Errorf("remove left-overs: %w", err)
	}
	for _, entry := range entries {
		_, err := f.Path("sha256:" + entry.Name())
		if errors.Is(err, errkind.NotFound) || strings.HasPrefix(entry.Name(), partialPrefix) {
			if err := os.RemoveAll(filepath.Join(f.root, entry.Name())); err != nil {
				return fmt.Errorf("remove left-overs: %w", err)
			}
		}
	}
	return nil
}
