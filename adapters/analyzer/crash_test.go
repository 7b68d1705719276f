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

// playWorker tells when its child reads the image, and goes on.
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
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait() // it was killed
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
