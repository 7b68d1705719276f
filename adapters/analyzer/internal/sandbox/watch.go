package sandbox

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/tagwatch/tagwatch/domain/wording"
)

const (
	memoryInterval  = 25 * time.Millisecond
	scratchInterval = 500 * time.Millisecond
)

// watch stops a child that exceeds its memory or scratch space, until done is closed.
// It returns the most memory that it saw. The kernel's own figure is useless: it
// starts with the worker's memory, which a new process inherits.
func watch(done <-chan struct{}, pid int, command Command, stop context.CancelCauseFunc) (peak int64) {
	memory, scratch := time.NewTicker(memoryInterval), time.NewTicker(scratchInterval)
	defer memory.Stop()
	defer scratch.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-memory.C:
			if peak = max(peak, residentBytes(pid)); peak > command.Limits.Memory {
				stop(memoryError(command.Limits))
			}
		case <-scratch.C:
			if folderBytes(command.Folder) > command.Limits.Scratch {
				stop(limitError("scratch limit of %s", wording.Size(command.Limits.Scratch)))
			}
		}
	}
}

// folderBytes is the size of all files in a folder. Files may come and go meanwhile.
func folderBytes(folder string) (total int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
