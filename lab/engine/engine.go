// Package engine runs Docker's container engine for tests, as a process of its own with
// its data in a folder of its own: without networks, so that the machine's stay as they
// are, and out of the way of an engine that runs on the machine.
package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Variable names the folder of the programs.
const Variable = "TAGWATCH_TEST_DOCKER"

// startTimeout bounds the start and the end of the engine.
const startTimeout = 2 * time.Minute

// Engine is a container engine. Its methods fail the test that started it.
type Engine struct {
	testing.TB
	folder, programs string
	client           *http.Client
	running          *exec.Cmd
	ended            chan struct{}
}

// Start starts an engine without containers, until the test ends. Settings are the content
// of its daemon.json. It skips the test if there are no programs for it, or if they cannot
// run here.
func Start(t testing.TB, settings string) *Engine {
	t.Helper()
	programs := os.Getenv(Variable)
	switch {
	case programs == "":
		t.Skip(Variable + " names no folder of programs; make test-docker does")
	case os.Getuid() != 0:
		t.Skip("an engine needs root")
	case runtime.GOARCH != "amd64":
		t.Skip("the images that it runs are for amd64")
	}
	folder, err := os.MkdirTemp("", "engine") // short: the paths of sockets are bounded
	e := &Engine{TB: t, folder: folder, programs: programs}
	e.must(err)
	e.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", e.Socket())
	}}}
	e.must(os.WriteFile(e.path("daemon.json"), []byte(settings), 0o600))
	t.Cleanup(e.close)
	e.Run()
	return e
}

// Folder has the socket.
func (e *Engine) Folder() string { return e.folder }

// Socket is the path of the engine's socket.
func (e *Engine) Socket() string { return e.path("docker.sock") }

func (e *Engine) path(name string) string { return filepath.Join(e.folder, name) }

// Run starts the engine unless it runs, and waits until it answers.
func (e *Engine) Run() {
	e.Helper()
	if e.running != nil {
		return
	}
	log, err := os.OpenFile(e.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	e.must(err)
	defer log.Close()
	command := exec.Command(filepath.Join(e.programs, "dockerd"), "--config-file", e.path("daemon.json"), "--host", "unix://"+e.Socket(),
		"--data-root", e.path("data"), "--exec-root", e.path("exec"), "--pidfile", e.path("pid"),
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")
	command.Env = append(os.Environ(), "PATH="+e.programs+":"+os.Getenv("PATH"))
	command.Stdout, command.Stderr, command.Dir = log, log, e.folder
	if err := command.Start(); err != nil {
		e.Fatalf("start the engine: %v", err)
	}
	e.running, e.ended = command, make(chan struct{})
	go func(ended chan<- struct{}) {
		_ = command.Wait() // how it ended is in its log
		close(ended)
	}(e.ended)
	e.Until("the engine answers", func() bool {
		response, err := e.client.Get("http://engine/_ping")
		if err == nil {
			_ = response.Body.Close()
		}
		select {
		case <-e.ended:
			e.Fatalf("the engine ended:\n%s", e.tail())
		default:
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
}

// ContainerdStore reports whether the engine keeps images in the store of containerd, which
// old ones cannot.
func (e *Engine) ContainerdStore() bool {
	e.Helper()
	var info struct{ DriverStatus [][2]string }
	e.get("/info", &info)
	return slices.Contains(info.DriverStatus, [2]string{"driver-type", "io.containerd.snapshotter.v1"})
}

// Kill kills the engine, and leaves its containers to the next Run, which ends those that
// are not to be restarted.
func (e *Engine) Kill() {
	if e.running == nil {
		return
	}
	_ = e.running.Process.Kill() // it may have ended
	<-e.ended
	e.running = nil
	_ = os.Remove(e.path("pid"))
	// Its containerd ends with it. As a zombie, it would be taken for one that runs.
	file := e.path("exec/containerd/containerd.pid")
	if text, err := os.ReadFile(file); err == nil {
		if pid, err := strconv.Atoi(string(text)); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = os.Remove(file)
	}
}

// close ends everything and removes it.
func (e *Engine) close() {
	e.Run() // the containers of one that was killed run on
	_, _ = e.request(http.MethodPost, "/swarm/leave?force=1", nil)
	var all []struct{ ID string }
	e.get("/containers/json?all=1", &all)
	for _, each := range all {
		_, _ = e.request(http.MethodDelete, "/containers/"+each.ID+"?force=1&v=1", nil) // it may be gone
	}
	e.Kill()
	for _, mount := range e.mounts() {
		_ = syscall.Unmount(mount, syscall.MNT_DETACH)
	}
	if err := os.RemoveAll(e.folder); err != nil {
		e.Error(err)
	}
}

// mounts are what the engine left mounted in its folder.
func (e *Engine) mounts() (paths []string) {
	text, err := os.ReadFile("/proc/self/mounts")
	e.must(err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], e.folder+"/") {
			paths = append(paths, fields[1])
		}
	}
	return paths
}

// Until waits for a state of the engine.
func (e *Engine) Until(what string, reached func() bool) {
	e.Helper()
	for deadline := time.Now().Add(startTimeout); !reached(); {
		if time.Now().After(deadline) {
			e.Fatalf("%s: not reached; the engine says:\n%s", what, e.tail())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (e *Engine) tail() string {
	text, err := os.ReadFile(e.path("log"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-20):], "\n")
}

// request sends a request with a body, unless that is nil, and returns the answer.
func (e *Engine) request(method, path string, body any) ([]byte, error) {
	var sent io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		sent = bytes.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, "http://engine"+path, sent)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return answer, err
}

func (e *Engine) get(path string, into any) {
	e.Helper()
	answer, err := e.request(http.MethodGet, path, nil)
	e.must(err)
	e.must(json.Unmarshal(answer, into))
}

func (e *Engine) post(path string, body any) []byte {
	e.Helper()
	answer, err := e.request(http.MethodPost, path, body)
	e.must(err)
	return answer
}

func (e *Engine) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}
