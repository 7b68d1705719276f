package registry

import (
	"bytes"
	"os"
	"sync"
)

// files are read once each, so that all settings are of one state of them, and
// what was checked is what is used.
type files struct {
	mu      sync.Mutex
	content map[string][]byte // by path
}

func newFiles() *files { return &files{content: map[string][]byte{}} }

func (f *files) read(path string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, known := f.content[path]; known {
		return content, nil
	}
	content, err := os.ReadFile(path)
	if err == nil {
		f.content[path] = content
	}
	return content, err
}

// agree reports whether two states of a file are the same; so is no file.
func (f *files) agree(other *files, path string) bool {
	return bytes.Equal(f.known(path), other.known(path))
}

func (f *files) known(path string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.content[path]
}
