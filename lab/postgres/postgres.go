// Package postgres runs a private PostgreSQL server, in a directory of its own and
// reachable only through a socket in it, that can be killed and started again on its
// data.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Server is one PostgreSQL server.
type Server struct {
	dir, binaries string
	settings      []string
	log           io.Writer
	server        *exec.Cmd
	ended         chan struct{}
}

// startTimeout bounds a start: after a kill, the old processes have to end and the log
// is replayed.
const startTimeout = time.Minute

// Unsynced are settings that make a server fast: what is committed survives a kill of its
// processes, though not the loss of power.
var Unsynced = []string{"fsync=off", "full_page_writes=off"}

// New makes an empty database cluster in a directory that does not exist yet. It
// is not started. The log receives what the server prints; settings are name=value, as
// in postgresql.conf.
func New(ctx context.Context, dir string, log io.Writer, settings ...string) (*Server, error) {
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, binaries: binaries, settings: settings, log: log}
	if err := s.makeDirectory(); err != nil {
		return nil, fmt.Errorf("make the directory of PostgreSQL: %w", err)
	}
	initdb := s.command(ctx, "initdb", "--pgdata="+s.data(), "--username=tagwatch", "--auth=trust", "--encoding=UTF8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initialize PostgreSQL: %w: %s", err, out)
	}
	return s, nil
}

// URL is the address of a database of the server; postgres is always there.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?host=" + s.dir + "&user=tagwatch&sslmode=disable"
}

// Socket is the path of the socket at which the server listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// Pid is the process id of the postmaster.
func (s *Server) Pid() int { return s.server.Process.Pid }

// Start starts the server and waits until it responds.
func (s *Server) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if err := s.launch(); err != nil {
			return err
		}
		if s.awaitAnswer(ctx) {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("PostgreSQL does not start: %w", ctx.Err()), s.Kill())
		}
	}
}

// launch runs the postmaster.
func (s *Server) launch() error {
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.server = s.command(context.Background(), "postgres", args...)
	s.server.Stdout, s.server.Stderr = s.log, s.log
	if err := s.server.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.ended = make(chan struct{})
	go func(server *exec.Cmd, ended chan<- struct{}) {
		_ = server.Wait() // it only ends by a signal of end
		close(ended)
	}(s.server, s.ended)
	return nil
}

// awaitAnswer is false when the server ended instead, which happens while processes of
// a killed one are still running.
func (s *Server) awaitAnswer(ctx context.Context) bool {
	for {
		select {
		case <-s.ended:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
		if s.command(ctx, "pg_isready", "--quiet", "--host="+s.dir).Run() == nil {
			return true
		}
	}
}

// Kill ends the postmaster at once, as a crash does; its processes follow.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// Stop ends the server without waiting for its clients.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

func (s *Server) end(signal os.Signal) error {
	if s.server == nil {
		return nil
	}
	if err := s.server.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	<-s.ended
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command is one of PostgreSQL's programs. They refuse to run as root, so then they run
// as the user postgres, which the package creates.
func (s *Server) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(s.binaries, name), arguments...)
	command.Dir = s.dir
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: unprivileged()}
	return command
}

// findBinaries looks on the PATH and where Debian keeps them.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	return filepath.Dir(slices.Max(found)), nil
}
