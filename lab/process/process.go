// Package process reads what the processes of an installation use, from /proc.
package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what one process and, for CPU time and memory, its children use.
type Usage struct {
	// CPU is the time in user and system mode, with that of children that ended.
	CPU time.Duration
	// Resident is the memory in use, Peak the most that it ever was, in bytes.
	Resident, Peak int64
	// Files are the open descriptors, Threads those of the kernel.
	Files, Threads int
}

// tick is the unit of CPU times in /proc, fixed at 100 a second for all programs
// on Linux.
const tick = 10 * time.Millisecond

// Of reads one process without its living children.
func Of(pid int) (Usage, error) {
	fields, err := stat(pid)
	if err != nil {
		return Usage{}, err
	}
	var usage Usage
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		usage.CPU += time.Duration(ticks) * tick
	}
	status, err := os.ReadFile(path(pid, "status"))
	if err != nil {
		return Usage{}, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64) // lines without a number are not looked at
		switch name {
		case "VmRSS":
			usage.Resident = n << 10
		case "VmHWM":
			usage.Peak = n << 10
		case "Threads":
			usage.Threads = int(n)
		}
	}
	files, err := os.ReadDir(path(pid, "fd"))
	usage.Files = len(files)
	return usage, err
}

// Family adds up a process and its children, of which PostgreSQL has one for each
// connection. Pages that they share count once: of each child only its own do.
func Family(pid int) (Usage, error) {
	sum, err := Of(pid)
	if err != nil {
		return Usage{}, err
	}
	shared := map[int]bool{pid: true}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return Usage{}, err
	}
	sum.Resident = 0
	for _, entry := range entries {
		child, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		fields, err := stat(child)
		if err != nil || child != pid && fields[1] != strconv.Itoa(pid) {
			continue // another's, or it has ended
		}
		if own, err := Of(child); err == nil && child != pid {
			sum.CPU += own.CPU
			shared[child] = true
		}
	}
	for member := range shared {
		sum.Resident += proportional(member)
	}
	sum.Peak = 0
	return sum, nil
}

// proportional is the memory of a process with its share of what it shares.
func proportional(pid int) int64 {
	rollup, err := os.ReadFile(path(pid, "smaps_rollup"))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(rollup)) {
		if value, found := strings.CutPrefix(line, "Pss:"); found {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// stat are the fields after the name of the program: state, parent and so on.
func stat(pid int) ([]string, error) {
	content, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return nil, fmt.Errorf("process %d has an unknown form of statistics", pid)
	}
	return fields, nil
}

func path(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }
