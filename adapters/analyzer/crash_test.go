package analyzer_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/image"
)

// workerEnv makes the test program a worker that analyzes one image.
const workerEnv = "TAGWATCH_TEST_WORKER"

// job is what such a worker does.
type job struct {
	Directory string
	Digest    image.Digest
	Name      string
	Source    source
}

// playWorker reports when its child reads the image, and goes on.
func playWorker() {
	var todo job
	err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &todo)
	var opened *analyzer.Analyzer
	if err == nil {
		opened, err = analyzer.Open(analyzer.Options{Directory: todo.Directory})
	}
	if err == nil {
		_, err = opened.Analyze(context.Background(), analyzer.Request{Name: todo.Name, Digest: todo.Digest, Source: todo.Source,
			Progress: atCataloging(func() { fmt.Println(childOf(os.Getpid())) })})
	}
	fmt.Println(err)
	os.Exit(1)
}

// A worker that is killed takes its child with it, and the next one clears away
// what it left.
func TestKilledWorkerLeavesNothing(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, nestedJars(t))
	directory := t.TempDir()
	text, err := json.Marshal(job{Directory: directory, Digest: request.Digest, Source: request.Source.(source)})
	if err != nil {
		t.Fatal(err)
	}
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), workerEnv+"="+string(text))
	output, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	lines.Scan()
	pid, err := strconv.Atoi(lines.Text())
	if err != nil || pid == 0 {
		t.Fatalf("the worker says %q", lines.Text())
	}
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(handle)
	stopped(t, pid, handle)
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	if !killed(worker) {
		t.Fatalf("the worker did not live until it was killed: %v", worker.ProcessState)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Fatalf("child %d lives on: %v", pid, err)
	}
	next, err := analyzer.Open(analyzer.Options{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(directory, "scratch", "*")); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}

// stopped lets a child stand still, so that it lives until somebody ends it.
func stopped(t *testing.T, pid, handle int) {
	t.Helper()
	if err := unix.PidfdSendSignal(handle, unix.SIGSTOP, nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, 0); n != 0 || err != nil {
		t.Fatalf("child %d ended by itself: %v", pid, err)
	}
}

// killed reports whether a worker that has ended lived until it was killed.
func killed(worker *exec.Cmd) bool {
	status, _ := worker.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}
