//go:build !linux

package up

import "syscall"

// childAttributes keep a terminal's Ctrl-C from reaching the child, which is
// stopped in its turn. Other systems than Linux cannot kill it when this process
// is killed.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
