package matcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	v6 "github.com/anchore/grype/grype/db/v6"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// InUseFile is the file in a build's directory that open databases lock.
const InUseFile = "in-use"

// Database is one open build. It may be used by many goroutines.
type Database struct {
	dir  string
	lock *os.File
	free chan *reader // readers at rest; a nil one is still to be opened
	mu   sync.Mutex
	uses int
	shut bool // close when the last use ends
}

// Open opens the build in a directory. The caller closes it; matches that
// are under way end on it before it goes.
func Open(dir string) (*Database, error) {
	lock, err := lockInUse(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, v6.VulnerabilityDBFileName)); err != nil {
		return nil, errors.Join(fmt.Errorf("open build: %w: %w", errkind.NotFound, err), lock.Close())
	}
	db := &Database{dir: dir, lock: lock, free: make(chan *reader, runtime.GOMAXPROCS(0))}
	for range cap(db.free) {
		db.free <- nil
	}
	return db, nil
}

// lockInUse takes the shared lock. Nobody else holding one, readers that a crash
// left behind are removed first.
func lockInUse(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, InUseFile), os.O_CREATE|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open build %s: %w", filepath.Base(dir), errkind.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open build: %w", err)
	}
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		removeReaders(dir)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock build %s: %w: %w", filepath.Base(dir), errkind.Unavailable, err), lock.Close())
	}
	return lock, nil
}

func removeReaders(dir string) {
	stale, err := filepath.Glob(filepath.Join(dir, readerPattern))
	if err != nil {
		return // the pattern is a constant
	}
	for _, each := range stale {
		_ = os.RemoveAll(each) // takes no space of its own; goes with the build
	}
}

// use keeps the database open while something is done with it.
func (d *Database) use(do func() error) error {
	if !d.acquire() {
		return fmt.Errorf("build %s is closed: %w", filepath.Base(d.dir), errkind.Unavailable)
	}
	err := do()
	return errors.Join(err, d.release())
}

// acquire counts a use; false once the database is closed.
func (d *Database) acquire() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return false
	}
	d.uses++
	return true
}

// release ends a use.
func (d *Database) release() error {
	d.mu.Lock()
	d.uses--
	last := d.shut && d.uses == 0
	d.mu.Unlock()
	if last {
		return d.closeReaders()
	}
	return nil
}

// Close closes the database, at once or when its last use ends.
func (d *Database) Close() error {
	d.mu.Lock()
	if d.shut {
		d.mu.Unlock()
		return nil
	}
	d.shut = true
	idle := d.uses == 0
	d.mu.Unlock()
	if idle {
		return d.closeReaders()
	}
	return nil
}

func (d *Database) closeReaders() error {
	var errs []error
	for range cap(d.free) {
		if r := <-d.free; r != nil {
			errs = append(errs, r.close())
		}
	}
	return errors.Join(append(errs, d.lock.Close())...)
}

// take waits for a reader; give returns it.
func (d *Database) take(ctx context.Context) (*reader, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-d.free:
		if r != nil {
			return r, nil
		}
		r, err := openReader(d.dir)
		if err != nil {
			d.free <- nil
		}
		return r, err
	}
}

func (d *Database) give(r *reader) { d.free <- r }
