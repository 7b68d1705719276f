package process

import "golang.org/x/sys/unix"

// What a process can be limited in.
const (
	FileSize     = unix.RLIMIT_FSIZE
	AddressSpace = unix.RLIMIT_AS
)

// Limit sets a limit of a running process until lift is called. A process that has
// ended meanwhile does not matter.
func Limit(pid, resource int, most uint64) (lift func() error, err error) {
	var before unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &before); err != nil {
		return nil, err
	}
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: before.Max}, nil); err != nil {
		return nil, err
	}
	return func() error {
		if err := unix.Prlimit(pid, resource, &before, nil); err != unix.ESRCH {
			return err
		}
		return nil
	}, nil
}
