package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ErrReported reports that the child ended with the status ExitReported.
var ErrReported = errors.New("child reports an error")

// ExitReported is the status of a child that has explained its error in a file.
const ExitReported = 3

// verdict says how the child ended.
func verdict(ctx context.Context, limits Limits, state *os.ProcessState, words string, err error) error {
	status, _ := state.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(words, "out of memory"), strings.Contains(words, "cannot allocate memory"):
		return memoryError(limits)
	case status.Signaled() && state.UserTime()+state.SystemTime() >= limits.CPU:
		return cpuError(limits)
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return fmt.Errorf("analysis was killed from outside, perhaps for want of memory on this machine: %w", errkind.Unavailable)
	case status.Exited() && status.ExitStatus() == ExitReported:
		return ErrReported
	}
	return fmt.Errorf("analysis crashed (%v): %s: %w", err, firstLine(words), errkind.Invalid)
}

func limitError(format string, arguments ...any) error {
	return fmt.Errorf("analysis exceeded its "+format+": %w", append(arguments, errkind.Limit)...)
}

func memoryError(limits Limits) error {
	return limitError("memory limit of %s", bytesText(limits.Memory))
}

func cpuError(limits Limits) error { return limitError("processor limit of %s", limits.CPU) }

func bytesText(bytes int64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%.4g GiB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%.4g MiB", float64(bytes)/(1<<20))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
