package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Memory is a control group whose memory can be used up, so that the kernel kills
// a process of it.
type Memory struct {
	dir            string
	limit, counter string // names of its files
	unlimited      string
	own            string // what memory.stat calls the memory that cannot be taken back
	lowest         int    // limit so far; 0 without one
}

// The two generations of control groups.
var memoryGroups = []Memory{
	{dir: "/sys/fs/cgroup", limit: "memory.max", counter: "memory.events", unlimited: "max", own: "anon "},
	{dir: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", counter: "memory.oom_control", unlimited: "-1", own: "total_rss "},
}

// NewMemory makes a control group; an error says that this machine does not
// permit it.
func NewMemory(name string) (*Memory, error) {
	var failures []error
	for _, m := range memoryGroups {
		m.dir = filepath.Join(m.dir, name)
		if err := os.Mkdir(m.dir, 0o755); err != nil {
			failures = append(failures, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(m.dir, m.limit)); err != nil {
			failures = append(failures, err, os.Remove(m.dir))
			continue
		}
		return &m, nil
	}
	return nil, fmt.Errorf("make a control group for memory: %w", errors.Join(failures...))
}

// Entrance is the file to which a process writes its number to become a member,
// with all that it starts later.
func (m *Memory) Entrance() string { return filepath.Join(m.dir, "cgroup.procs") }

// memoryStep is by how much a limit grows that is too low for the kernel to set.
const memoryStep = 1 << 20

// Exhaust leaves the group no more memory than its processes have, until Release.
// Called again, it leaves them less if they have given some back.
func (m *Memory) Exhaust() error {
	limit, err := m.read("memory.stat", m.own)
	if err != nil {
		return err
	}
	// The first generation refuses a limit below what cannot be taken back, which is
	// a little more.
	for ; m.lowest == 0 || limit < m.lowest; limit += memoryStep {
		if err := m.set(strconv.Itoa(limit)); !errors.Is(err, syscall.EBUSY) {
			m.lowest = limit
			return err
		}
	}
	return nil
}

// pressure has a program join the group and keep what it reads.
const pressure = `echo $$ > "$0" && head -c 64000000 /dev/zero | tail -c 64000000`

// Press has a program ask for the memory that the group may still have, until release
// is called: processes that do not ask for more by themselves do not run out of it. The
// kernel kills the largest, which that program cannot become in a group without room;
// it may become it, and be killed too, in the room that the first one leaves.
func (m *Memory) Press() (release func(), err error) {
	program := exec.Command("sh", "-c", pressure, m.Entrance())
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := program.Start(); err != nil {
		return nil, fmt.Errorf("press for memory: %w", err)
	}
	return func() {
		_ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = program.Wait()
	}, nil
}

// Release lifts the limit.
func (m *Memory) Release() error {
	m.lowest = 0
	return m.set(m.unlimited)
}

func (m *Memory) set(limit string) error {
	return os.WriteFile(filepath.Join(m.dir, m.limit), []byte(limit), 0)
}

// Kills is how many processes of the group the kernel has killed for their memory.
func (m *Memory) Kills() (int, error) { return m.read(m.counter, "oom_kill ") }

// read reads a number of one of its files.
func (m *Memory) read(file, name string) (int, error) {
	content, err := os.ReadFile(filepath.Join(m.dir, file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if number, found := strings.CutPrefix(line, name); found {
			return strconv.Atoi(strings.TrimSpace(number))
		}
	}
	return 0, fmt.Errorf("%s does not say %s", file, name)
}

// closeTimeout is how long processes that were ended may take to be gone.
const closeTimeout = 10 * time.Second

// Close removes the group once its processes have ended.
func (m *Memory) Close() error {
	for deadline := time.Now().Add(closeTimeout); ; time.Sleep(50 * time.Millisecond) {
		if err := os.Remove(m.dir); !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			return err
		}
	}
}
