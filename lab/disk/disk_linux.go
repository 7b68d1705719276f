package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Disk is a file system at a directory.
type Disk struct {
	dir string
}

// The size of a disk, and how many files it can hold.
const (
	capacity = "size=1g"
	inodes   = "nr_inodes=200k"
)

// Mount makes a file system at a directory, which is made if need be. Only who may
// mount can do so.
func Mount(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	d := &Disk{dir: dir}
	if err := unix.Mount("tagwatch-lab", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, capacity+","+inodes+",mode=0755"); err != nil {
		return nil, fmt.Errorf("mount a file system at %s: %w", dir, err)
	}
	return d, nil
}

// Fill leaves no room for another byte, until Free.
func (d *Disk) Fill() error {
	return d.shrink(func(used unix.Statfs_t) string {
		return fmt.Sprintf("size=%d", max(1, used.Blocks-used.Bfree)*uint64(used.Bsize))
	})
}

// FillInodes leaves no room for another file, until Free.
func (d *Disk) FillInodes() error {
	return d.shrink(func(used unix.Statfs_t) string { return fmt.Sprintf("nr_inodes=%d", used.Files-used.Ffree) })
}

// shrink makes the disk as small as what it holds.
func (d *Disk) shrink(to func(used unix.Statfs_t) string) error {
	for {
		var used unix.Statfs_t
		if err := unix.Statfs(d.dir, &used); err != nil {
			return err
		}
		// Meanwhile it may hold more.
		if err := d.remount(to(used)); !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
}

// Free gives the disk its size back.
func (d *Disk) Free() error { return d.remount(capacity + "," + inodes) }

func (d *Disk) remount(options string) error {
	if err := unix.Mount("", d.dir, "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("change the size of the file system at %s: %w", d.dir, err)
	}
	return nil
}

// Close removes the file system with what it holds.
func (d *Disk) Close() error { return unix.Unmount(d.dir, unix.MNT_DETACH) }
