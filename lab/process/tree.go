package process

import "syscall"

// Pause stops a process and all that it started, as SIGSTOP does, until goOn is
// called. Processes that end meanwhile do not matter.
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
	return resume(stopped), nil
}

func resume(stopped []int) func() {
	return func() {
		for _, each := range stopped {
			_ = syscall.Kill(each, syscall.SIGCONT)
		}
	}
}
