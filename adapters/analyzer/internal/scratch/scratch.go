// Package scratch gives each process a folder for temporary files, and removes
// the folders of processes that are gone.
//
// A folder belongs to the process that holds the lock on the file beside it. The
// kernel drops the lock when the process ends, in whatever way.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const lockSuffix = ".lock"

// Root is this process's folder.
type Root struct {
	path string
	lock *os.File
}

// Open removes the folders of dead processes, and makes a new one for this process.
func Open(parent string) (*Root, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("create scratch folder: %w", err)
	}
	if err := Clean(parent); err != nil {
		return nil, err
	}
	lock, err := newLock(parent)
	if err != nil {
		return nil, fmt.Errorf("create scratch folder: %w", err)
	}
	root := &Root{path: strings.TrimSuffix(lock.Name(), lockSuffix), lock: lock}
	if err := os.Mkdir(root.path, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("create scratch folder: %w", err), root.Close())
	}
	return root, nil
}

// newLock makes a file and locks it. In between, another process may clean and remove
// the file as one of a dead process: then newLock tries again.
func newLock(parent string) (*os.File, error) {
	for {
		lock, err := os.CreateTemp(parent, "worker-*"+lockSuffix)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			if _, err = os.Lstat(lock.Name()); err == nil {
				return lock, nil
			}
		}
		_ = lock.Close() // nothing was written
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, os.Remove(lock.Name()))
		}
	}
}

// Path is the folder.
func (r *Root) Path() string { return r.path }

// New makes an empty folder in it. The caller removes it.
func (r *Root) New(name string) (string, error) {
	path, err := os.MkdirTemp(r.path, name+"-")
	if err != nil {
		return "", fmt.Errorf("create scratch folder: %w", err)
	}
	return path, nil
}

// Close removes the folder with all it holds.
func (r *Root) Close() error {
	return errors.Join(os.RemoveAll(r.path), os.Remove(r.lock.Name()), r.lock.Close())
}

// Clean removes the folders whose process is gone.
func Clean(parent string) error {
	locks, err := filepath.Glob(filepath.Join(parent, "*"+lockSuffix))
	if err != nil {
		return fmt.Errorf("clean %s: %w", parent, err)
	}
	for _, lock := range locks {
		if err := cleanOne(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clean %s: %w", parent, err)
		}
	}
	return nil
}

// cleanOne removes a folder and its lock, unless a process holds the lock.
func cleanOne(name string) error {
	lock, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		return err
	}
	if err := os.RemoveAll(strings.TrimSuffix(name, lockSuffix)); err != nil {
		return err
	}
	return os.Remove(name)
}
