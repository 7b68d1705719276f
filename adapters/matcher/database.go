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

// Database is one open build. It is safe for concurrent use.
type Database struct {
	dir  string
	lock *os.File
	free chan *reader // readers at rest; a nil one is still to be opened
	mu   sync.Mutex
	uses int
	shut bool // close when the last use ends
}

// Open opens the build in a directory. The caller closes it; it stays open until
// the matches under way end.
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

// lockInUse takes the shared lock. If nobody else holds it, it first removes the
// readers that a crash left behind.
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

// use keeps the database open during a call.
func use[T any](d *Database, do func() (T, error)) (result T, err error) {
	if !d.acquire() {
		return result, fmt.Errorf("build %s is closed: %w", filepath.Base(d.dir), errkind.Unavailable)
	}
	result, err = do()
	return result, errors.Join(err, d.release())
}

// read gives a call a reader of its own.
func read[T any](ctx context.Context, d *Database, do func(*reader) (T, error)) (T, error) {
	return use(d, func() (result T, err error) {
		reader, err := d.take(ctx)
		if err != nil {
			return result, err
		}
		defer func() { d.free <- reader }()
		return do(reader)
	})
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
	idle := !d.shut && d.uses == 0
	d.shut = true
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

// take waits for a reader, which goes back into free after use.
func (d *Database) take(ctx context.Context) (*reader, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
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
