package up

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// localTemporal is the Temporal server of one machine.
type localTemporal struct {
	path      string
	dir       string
	uiPort    int
	port      int
	log       *os.File
	words     lastWords
	announced announcer
	say       func(format string, arguments ...any)
}

// largestLog is the size from which the log begins anew at the next start.
const largestLog = 8 << 20

func newLocalTemporal(s *session.Session, settings config.Config) (*localTemporal, error) {
	path, err := session.Beside("tagwatch-temporal")
	if err != nil {
		return nil, err
	}
	log, err := openLog(settings.Path("temporal.log"))
	if err != nil {
		return nil, err
	}
	return &localTemporal{path: path, dir: settings.Path("temporal"), port: s.Int("port"), uiPort: s.Int("ui-port"), log: log, say: s.Say}, nil
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > largestLog {
		_ = os.Truncate(path, 0)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, exit.Unable(fmt.Errorf("open Temporal's log: %w", err))
	}
	return file, nil
}

func (t *localTemporal) keep(ctx context.Context) *keeper {
	return keep(ctx, program{
		name: "tagwatch-temporal", grace: 20 * time.Second, say: t.say, advice: t.words.String,
		command: func() *exec.Cmd {
			command := exec.Command(t.path, "--data-dir", t.dir, "--port", strconv.Itoa(t.actualPort()), "--ui-port", strconv.Itoa(t.uiPort))
			command.Stdout = t.announced.output()
			command.Stderr = &teeWriter{t.log, &t.words}
			return command
		},
		watch: t.announced.await,
	})
}

// actualPort stays the same over restarts, because the worker and other commands use it.
func (t *localTemporal) actualPort() int {
	known := t.announced.last.Load()
	if known == nil {
		return t.port
	}
	_, text, _ := net.SplitHostPort(known.Address)
	port, err := strconv.Atoi(text)
	if err != nil {
		return t.port
	}
	return port
}

// teeWriter writes to a log and keeps the last words. A log that cannot be
// written must not stop the server.
type teeWriter struct {
	log   io.Writer
	words *lastWords
}

func (t *teeWriter) Write(p []byte) (int, error) {
	_, _ = t.log.Write(p)
	return t.words.Write(p)
}

// lastWords is the last line that a process wrote.
type lastWords struct {
	mu   sync.Mutex
	line string
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(p), []byte("\n"))
	if last := bytes.TrimSpace(lines[len(lines)-1]); len(last) > 0 {
		l.line = string(last)
	}
	return len(p), nil
}

// String continues an error with the words, if there are any.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == "" {
		return ""
	}
	return "; last output: " + output.OneLine(l.line)
}
