package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// self names this program's file, also after it was replaced by a newer one.
func self() string { return "/proc/self/exe" }

// attributes make the child leader of a session and process group of its own,
// which ends with the worker. Isolated, it has a network namespace with no
// interface in it; creating one without being root takes a user namespace.
func attributes(isolated bool) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if isolated {
		attributes.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return attributes
}

// isolationRefused reports that the machine, or the container that the worker runs
// in, does not allow namespaces.
func isolationRefused(err error) bool {
	for _, refusal := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.EINVAL, syscall.ENOSYS, syscall.EUSERS} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// residentBytes is the memory of a process that is not backed by files; 0 once it
// is gone.
func residentBytes(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text)) // size resident shared ..., in pages: proc_pid_statm(5)
	if len(fields) < 3 {
		return 0
	}
	resident, errResident := strconv.ParseInt(fields[1], 10, 64)
	shared, errShared := strconv.ParseInt(fields[2], 10, 64)
	if errors.Join(errResident, errShared) != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}
