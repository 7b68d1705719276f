package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// runLog is what the programs print, a file for each run.
type runLog struct {
	dir string

	mu   sync.Mutex
	file *os.File
}

// begin goes on in a file of that name; that of the run before goes, since it
// went well.
func (l *runLog) begin(name string) error {
	file, err := os.Create(filepath.Join(l.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("begin a log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name())
	}
	l.file = file
	return nil
}

// Write is safe for concurrent use: several programs print.
func (l *runLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

// Close ends the last file.
func (l *runLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
