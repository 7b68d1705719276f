package up

import (
	"syscall"
)

// childAttributes keep a terminal's Ctrl-C from reaching the child, which is
// stopped in its turn, and kill it when this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
