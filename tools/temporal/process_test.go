package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// asServer turns the test binary into the program, so that tests can kill it.
const asServer = "TAGWATCH_TEMPORAL_TEST_AS_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a server that has announced itself.
type process struct {
	announcement
	cmd    *exec.Cmd
	stderr *bytes.Buffer
}

func command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	stderr := new(bytes.Buffer)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asServer+"=1")
	cmd.Stderr = stderr
	return cmd, stderr
}

// start runs a server on free ports until the test ends, without a Web UI unless args ask for one.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	cmd, stderr := command(append([]string{"--port=0", "--ui-port=0"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, stderr: stderr}
	t.Cleanup(func() { p.kill() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		p.kill()
		t.Fatalf("server ended before it was ready: %s", stderr)
	}
	if err := json.Unmarshal(line, &p.announcement); err != nil {
		t.Fatalf("announcement %q: %v", line, err)
	}
	return p
}

// kill ends the server as a power cut would; once it has ended, it does nothing.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends the server as an operator would and returns its exit code.
func (p *process) stop(t *testing.T, signal syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	var failed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// client is connected to the server's namespace.
func (p *process) client(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: p.Address, Namespace: p.Namespace, Logger: silent()})
	if err != nil {
		t.Fatalf("connect to the announced address: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func silent() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// refused runs a server that must not start and returns what it says.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	cmd, stderr := command(args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if said, _ := io.ReadAll(stdout); len(said) > 0 {
		t.Errorf("a server that refuses to start said on standard output: %s", said)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	return stderr.String()
}

// wantWords checks that a message names what its reader needs, in one line.
func wantWords(t *testing.T, message string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(message, word) {
			t.Errorf("message lacks %q: %s", word, message)
		}
	}
	if strings.Count(message, "\n") != 1 {
		t.Errorf("message is not one line: %q", message)
	}
}

// unexpected is a value that may still become the wanted one.
type unexpected struct{ got, want any }

func (u *unexpected) Error() string { return fmt.Sprintf("got %v, want %v", u.got, u.want) }
