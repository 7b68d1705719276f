package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// ErrReported is the error of a child that ended with the status ExitReported.
var ErrReported = errors.New("child reports an error")

// ExitReported is the status of a child that has explained its error in a file.
const ExitReported = 3

// verdict is the error of how the child ended.
func verdict(ctx context.Context, limits Limits, state *os.ProcessState, stderr string, err error) error {
	status, _ := state.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(stderr, "out of memory"), strings.Contains(stderr, "cannot allocate memory"):
		return memoryError(limits)
	case status.Signaled() && state.UserTime()+state.SystemTime() >= limits.CPU:
		return cpuError(limits)
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return fmt.Errorf("analysis was killed from outside, perhaps for lack of memory on this machine: %w", errkind.Unavailable)
	case status.Exited() && status.ExitStatus() == ExitReported:
		return ErrReported
	}
	return fmt.Errorf("analysis crashed (%v): %s: %w", err, firstLine(stderr), errkind.Invalid)
}

func limitError(format string, arguments ...any) error {
	return fmt.Errorf("analysis exceeded its "+format+": %w", append(arguments, errkind.Limit)...)
}

func memoryError(limits Limits) error {
	return limitError("memory limit of %s", wording.Size(limits.Memory))
}

func cpuError(limits Limits) error { return limitError("processor limit of %s", limits.CPU) }

func fileError(limits Limits) error {
	return limitError("limit of %s a file", wording.Size(limits.FileBytes))
}

// Shortages are the errors of system calls that Shortage explains.
var Shortages = []syscall.Errno{syscall.ENOSPC, syscall.EMFILE, syscall.EFBIG, syscall.ENOMEM}

// Shortage says which limit a child met by the error of its system call, one of
// Shortages. A full disk is the machine's, an errkind.Unavailable, and says nothing of
// the image; the other limits are the child's, an errkind.Limit.
func Shortage(errno syscall.Errno, limits Limits) error {
	switch errno {
	case syscall.ENOSPC:
		return fmt.Errorf("no space left for the analysis on this machine; free some: %w", errkind.Unavailable)
	case syscall.EMFILE:
		return limitError("limit of %d open files", limits.OpenFiles)
	case syscall.EFBIG:
		return fileError(limits)
	}
	return memoryError(limits)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
