// Package landlock confines a process to its folder, by Landlock.
package landlock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights in files and folders, by the version of Landlock that introduced them.
//
// Specification: https://docs.kernel.org/userspace-api/landlock.html
const (
	rightsToRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsOne    = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	rightsTwo    = unix.LANDLOCK_ACCESS_FS_REFER
	rightsThree  = unix.LANDLOCK_ACCESS_FS_TRUNCATE
	rightsFive   = unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// rightsToFile are those that apply to a file.
	rightsToFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// harmless are read by programs in Go and hold no secrets. The child can read only
// its own process in /proc.
var harmless = []string{"/usr/share/zoneinfo", "/etc/localtime", "/proc/self", "/sys/devices/system/cpu", "/dev/urandom"}

// version is that of Landlock in this kernel; 0 without it.
func version() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// Possible reports whether this kernel has Landlock.
func Possible() bool { return version() > 0 }

// Raise takes away from this process, a child, access to all files but those in its
// working folder, which it may change, those in readable, and its own program. It
// does nothing on a kernel without Landlock.
func Raise(readable ...string) error {
	version := version()
	if version == 0 {
		return nil
	}
	handled := rightsOf(version)
	attributes := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	created, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes.Handled_access_fs), 0)
	if errno != 0 {
		return fmt.Errorf("restrict the files of the child: %w", errno)
	}
	rules := int(created)
	defer unix.Close(rules)
	err := allow(rules, ".", handled)
	for _, path := range readable {
		err = errors.Join(err, allow(rules, path, rightsToRead))
	}
	for _, path := range harmless {
		err = errors.Join(err, allow(rules, path, rightsToRead))
	}
	err = errors.Join(err, allow(rules, "/proc/self/exe", unix.LANDLOCK_ACCESS_FS_EXECUTE|unix.LANDLOCK_ACCESS_FS_READ_FILE),
		allow(rules, os.DevNull, rightsToRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE))
	if err != nil {
		return err
	}
	return enforce(rules)
}

func rightsOf(version int) uint64 {
	rights := uint64(rightsOne)
	if version >= 2 {
		rights |= rightsTwo
	}
	if version >= 3 {
		rights |= rightsThree
	}
	if version >= 5 {
		rights |= rightsFive
	}
	return rights
}

// allow gives rights in a file, or in all of a folder. Missing ones need none.
func allow(rules int, path string, rights uint64) error {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("allow %s to the child: %w", path, err)
	}
	defer unix.Close(file)
	var found unix.Stat_t
	if err := unix.Fstat(file, &found); err != nil {
		return fmt.Errorf("allow %s to the child: %w", path, err)
	}
	if found.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsToFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(file)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allow %s to the child: %w", path, errno)
	}
	return nil
}

// enforce applies the rules to all threads. Programs with cgo cannot do that, and
// stay unrestricted.
func enforce(rules int) error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0)
	}
	if errno != 0 && errno != syscall.ENOTSUP {
		return fmt.Errorf("restrict the files of the child: %w", errno)
	}
	return nil
}
