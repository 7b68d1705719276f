package process

import (
	"cmp"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// stopTimeout is how long a process may take to stand still.
const stopTimeout = 10 * time.Second

// Pause stops a process and all that it started, as SIGSTOP does, until goOn is
// called. It returns once the process stands still. Processes that end meanwhile do
// not matter.
func Pause(pid int) (goOn func(), err error) {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	stopped := []int{pid} // first the parent, which then starts no more
	for n := 0; n < len(stopped); n++ {
		children, err := Children(stopped[n])
		if err != nil {
			resume(stopped)()
			return nil, err
		}
		for child := range children {
			_ = syscall.Kill(child, syscall.SIGSTOP)
			stopped = append(stopped, child)
		}
	}
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(time.Millisecond) {
		_, fields, err := stat(pid)
		if err == nil && fields[0] == "T" {
			return resume(stopped), nil
		}
		if err != nil || time.Now().After(deadline) {
			resume(stopped)()
			return nil, fmt.Errorf("process %d does not stand still: %w", pid, cmp.Or(err, errors.New("it goes on after SIGSTOP")))
		}
	}
}

func resume(stopped []int) func() {
	return func() {
		for _, each := range stopped {
			_ = syscall.Kill(each, syscall.SIGCONT)
		}
	}
}
