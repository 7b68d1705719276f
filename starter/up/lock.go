package up

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// lockDataDir keeps a second `up` away from the data directory. The kernel drops
// the lock with the process, so a file left behind locks nobody out.
func lockDataDir(settings config.Config) (unlock func(), err error) {
	path := settings.Path("up.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, exit.Unable(fmt.Errorf("lock the data directory: %w", err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, exit.Refused("tagwatch up is already running on %s%s; stop it, or use another --data-dir", settings.DataDir, holder(path))
		}
		return nil, exit.Unable(fmt.Errorf("lock %s: %w", path, err))
	}
	// For the message above only: who holds the lock is the kernel's to know.
	_ = file.Truncate(0)
	_, _ = fmt.Fprintln(file, os.Getpid())
	return func() { file.Close() }, nil
}

// holder names the process that wrote the lock file; "" if it cannot be read.
func holder(path string) string {
	content, err := os.ReadFile(path)
	if text := strings.TrimSpace(string(content)); err == nil && text != "" {
		return " (process " + text + ")"
	}
	return ""
}
