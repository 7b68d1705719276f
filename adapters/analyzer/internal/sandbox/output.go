package sandbox

import "bytes"

const (
	maxLine   = 64 << 10 // bytes of a line of output
	maxStderr = 64 << 10 // bytes kept of the child's last words
)

// lines cuts output into lines; longer ones than maxLine are dropped.
type lines struct {
	each func([]byte)
	part []byte
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
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

// tail keeps the start of what a child says on its standard error: a crash of
// the Go runtime names its reason first.
type tail struct{ bytes.Buffer }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.Buffer.Write(p[:min(len(p), max(0, maxStderr-t.Len()))])
	return len(p), nil
}
