// Package stack runs Tagwatch's own programs as a user would: tagwatch up with
// its children, and the command line beside it. The demo and the end-to-end
// tests drive them.
package stack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/lab/process"
)

// Options say what to run and where.
type Options struct {
	// Bin is the directory of the three programs.
	Bin string
	// DataDir holds everything that outlives a stop.
	DataDir string
	// Env are further settings, as NAME=value.
	Env []string
	// Log receives what the programs print.
	Log io.Writer
}

// Stack is a running installation.
type Stack struct {
	options Options
	env     []string
	ports   []string // of Temporal, its Web UI and the worker
	listen  string
	UI      string
	up      *exec.Cmd
	ended   chan error
}

// nowhere is the proxy for all other machines: an installation of the lab cannot reach
// them.
const nowhere = "http://127.0.0.1:1"

// startTimeout bounds the start: the first one makes the databases.
const startTimeout = 2 * time.Minute

// New chooses free ports for an installation that is not started yet.
func New(options Options) (*Stack, error) {
	ports, err := FreePorts(3)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: options, ports: ports, listen: "127.0.0.1:" + ports[2], UI: "http://127.0.0.1:" + ports[1]}
	s.env = append(os.Environ(),
		"TAGWATCH_DATA_DIR="+options.DataDir,
		"TEMPORAL_ADDRESS=127.0.0.1:"+ports[0],
		"TAGWATCH_LISTEN="+s.listen,
		"HOME="+options.DataDir, "DOCKER_CONFIG="+options.DataDir,
		"TAGWATCH_FEED_URL="+nowhere, "HTTP_PROXY="+nowhere, "HTTPS_PROXY="+nowhere, "NO_PROXY=127.0.0.1",
	)
	s.env = append(s.env, options.Env...)
	return s, nil
}

// Start runs tagwatch up and returns when its worker is ready.
func (s *Stack) Start(ctx context.Context) error {
	s.up = exec.Command(s.program("tagwatch"), "up", "--port", s.ports[0], "--ui-port", s.ports[1])
	s.up.Env, s.up.Stdout, s.up.Stderr = s.env, s.options.Log, s.options.Log
	if err := s.up.Start(); err != nil {
		return fmt.Errorf("start tagwatch up: %w", err)
	}
	s.ended = make(chan error, 1)
	go func(up *exec.Cmd, ended chan<- error) { ended <- up.Wait() }(s.up, s.ended)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s.awaitReady(ctx)
}

// awaitReady waits until the worker says that it is ready.
func (s *Stack) awaitReady(ctx context.Context) error {
	for {
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("tagwatch up ended: %v", err)
		case <-ctx.Done():
			return fmt.Errorf("wait for the worker: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
			if s.ready(ctx) {
				return nil
			}
		}
	}
}

func (s *Stack) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.listen+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Stop asks tagwatch up to stop, as Ctrl-C does, and waits for it.
func (s *Stack) Stop() error {
	if s.up == nil {
		return nil
	}
	if err := s.up.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := <-s.ended
	s.ended <- err
	return err
}

// Kill ends a child of tagwatch up at once, as a crash does; up starts it again.
func (s *Stack) Kill(program string) error {
	pid, err := s.Pid(program)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// Metrics is the address of the worker's metrics.
func (s *Stack) Metrics() string { return "http://" + s.listen + "/metrics" }

// Pid is the process id of a child of tagwatch up, by the name of its program.
func (s *Stack) Pid(program string) (int, error) {
	children, err := process.Children(s.up.Process.Pid)
	for pid, name := range children {
		if name == program[:min(len(program), 15)] {
			return pid, nil
		}
	}
	return 0, cmp.Or(err, fmt.Errorf("tagwatch up has no child %s", program))
}

// Result is what a command printed and how it ended.
type Result struct {
	Out, Err string
	Code     int
}

// Command is one of the installation's programs with its environment, not started
// yet.
func (s *Stack) Command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.program(program), arguments...)
	command.Env = slices.Clone(s.env)
	return command
}

// Run runs a command of the command line to its end.
func (s *Stack) Run(ctx context.Context, arguments ...string) (Result, error) {
	command := s.Command(ctx, "tagwatch", arguments...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return Result{Out: out.String(), Err: errs.String(), Code: command.ProcessState.ExitCode()}, err
}

// Do runs a command that must succeed and returns what it printed.
func (s *Stack) Do(ctx context.Context, arguments ...string) (string, error) {
	result, err := s.Run(ctx, arguments...)
	if err != nil {
		return "", err
	}
	if result.Code != 0 {
		return "", fmt.Errorf("tagwatch %s: exit code %d: %s", strings.Join(arguments, " "), result.Code, strings.TrimSpace(result.Err))
	}
	return result.Out, nil
}

func (s *Stack) program(name string) string { return filepath.Join(s.options.Bin, name) }

// Ports for programs are below those that systems give to outgoing connections, which
// would take a free one before its program listens.
const (
	lowestPort, highestPort = 20_000, 32_767
	portTries               = 1000
)

// FreePorts finds ports of this machine that nothing listens at.
func FreePorts(n int) (ports []string, err error) {
	for range portTries {
		if len(ports) == n {
			return ports, nil
		}
		port := strconv.Itoa(lowestPort + rand.IntN(highestPort-lowestPort+1))
		var listener net.Listener
		if listener, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			defer listener.Close() // once all are found: no port is found twice
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("find %d free ports: %w", n, err)
}

// Page is the address of the status page.
func (s *Stack) Page() string { return "http://" + s.listen + "/" }

// DataDir is the installation's data directory.
func (s *Stack) DataDir() string { return s.options.DataDir }

// Temporal is the address of Temporal.
func (s *Stack) Temporal() string { return "127.0.0.1:" + s.ports[0] }

// Listen is the address of the worker's health, readiness and metrics.
func (s *Stack) Listen() string { return s.listen }
