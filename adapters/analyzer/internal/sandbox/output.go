package sandbox

import (
	"bytes"
	"sync"
)

const (
	maxLine   = 64 << 10 // bytes of a line of output
	maxStderr = 64 << 10 // bytes kept of the child's standard error
)

// lines cuts output into lines; longer ones than maxLine are dropped.
type lines struct {
	mu   sync.Mutex
	each func([]byte)
	part []byte
}

// follow calls each with the lines that come from now on.
func (l *lines) follow(each func([]byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.each = each
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, found := bytes.Cut(l.part, []byte("\n"))
		if !found {
			break
		}
		if l.each != nil {
			l.each(line)
		}
		l.part = rest
	}
	if len(l.part) > maxLine {
		l.part = nil
	}
	return len(p), nil
}

// head keeps the start of a child's standard error: a crash of the Go runtime prints
// its reason first.
type head struct{ bytes.Buffer }

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(0, maxStderr-h.Len()))])
	return len(p), nil
}
