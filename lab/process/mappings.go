package process

import (
	"fmt"
	"os"
	"strings"
)

// mapping is a part of a process's memory.
type mapping struct {
	start, end uint64
	writable   bool
	name       string // of a file, or of what the kernel maps; empty for neither
}

func mappings(pid int) ([]mapping, error) {
	content, err := os.ReadFile(path(pid, "maps"))
	if err != nil {
		return nil, err
	}
	var all []mapping
	for line := range strings.Lines(string(content)) {
		var m mapping
		var rights, offset, device, inode string
		// A line without a name ends early.
		if n, err := fmt.Sscanf(line, "%x-%x %s %s %s %s %s", &m.start, &m.end, &rights, &offset, &device, &inode, &m.name); n < 6 {
			return nil, fmt.Errorf("read %q of the memory of process %d: %w", line, pid, err)
		}
		m.writable = strings.Contains(rights, "w")
		all = append(all, m)
	}
	return all, nil
}
