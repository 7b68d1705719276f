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
	_, fields, err := stat(pid)
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
		n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64) // lines without a number are not used
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

// Family adds up a process and its children; PostgreSQL has one for each connection.
// Shared pages count once.
func Family(pid int) (Usage, error) {
	sum, err := Of(pid)
	if err != nil {
		return Usage{}, err
	}
	children, err := Children(pid)
	sum.Resident, sum.Peak = proportional(pid), 0
	for child := range children {
		if own, err := Of(child); err == nil {
			sum.CPU += own.CPU
			sum.Resident += proportional(child)
		}
	}
	return sum, err
}

// Children are the process ids of a process's children, with the first 15 bytes of
// the names of their programs.
func Children(pid int) (map[int]string, error) {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int]string{}
	for _, entry := range entries {
		child, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		if name, fields, err := stat(child); err == nil && fields[1] == strconv.Itoa(pid) { // an error: it has ended
			children[child] = name
		}
	}
	return children, nil
}

// proportional is the memory of a process with its part of the shared pages.
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

// stat is the name of the program and the fields after it: state, parent and so on.
func stat(pid int) (name string, fields []string, err error) {
	content, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return "", nil, err
	}
	before, after, _ := strings.Cut(string(content), ") ")
	_, name, _ = strings.Cut(before, "(")
	if fields = strings.Fields(after); len(fields) < 15 {
		return "", nil, fmt.Errorf("process %d has an unknown form of statistics", pid)
	}
	return name, fields, nil
}

func path(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }
