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
	"time"

	"golang.org/x/sys/unix"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// workerEnv makes the test program a worker that analyzes one image.
const workerEnv = "TAGWATCH_TEST_WORKER"

// job is what such a worker does.
type job struct {
	Directory string
	Digest    image.Digest
	Name      string
	Source    source
	// Waits lets the worker go on when its image is analyzed, with a child that waits.
	Waits bool
}

// playWorker reports the child that reads the image, or then the one that waits, and
// goes on.
func playWorker() {
	var todo job
	err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &todo)
	var opened *analyzer.Analyzer
	if err == nil {
		opened, err = analyzer.Open(analyzer.Options{Directory: todo.Directory, Ready: 1})
	}
	if err == nil {
		_, err = opened.Analyze(context.Background(), analyzer.Request{Name: todo.Name, Digest: todo.Digest, Source: todo.Source,
			Progress: atCataloging(func() {
				if !todo.Waits {
					fmt.Println(childOf(os.Getpid()))
				}
			})})
	}
	if todo.Waits && err == nil {
		fmt.Println(childOf(os.Getpid()))
		time.Sleep(time.Hour) // until it is killed
	}
	fmt.Println(err)
	os.Exit(1)
}

// A worker that is killed takes its child with it, and the next one clears away
// what it left.
func TestKilledWorkerLeavesNothing(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	t.Run("analyzing", func(t *testing.T) { killWorker(t, b.push(t, nestedJars(t)), false) })
	t.Run("waiting", func(t *testing.T) { killWorker(t, b.push(t, build(t, lab.StaticBinary("/app"))), true) })
}

func killWorker(t *testing.T, request analyzer.Request, waits bool) {
	t.Helper()
	directory := t.TempDir()
	text, err := json.Marshal(job{Directory: directory, Digest: request.Digest, Source: request.Source.(source), Waits: waits})
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
