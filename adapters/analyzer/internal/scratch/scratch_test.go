package scratch_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/scratch"
)

const roleEnv = "TAGWATCH_TEST_SCRATCH"

// TestMain plays a worker that makes a folder, says where it is, and lives until
// it is killed or its input ends.
func TestMain(m *testing.M) {
	parent := os.Getenv(roleEnv)
	if parent == "" {
		os.Exit(m.Run())
	}
	root, err := scratch.Open(parent)
	if err == nil {
		_, err = root.New("layer")
	}
	if err != nil {
		panic(err)
	}
	fmt.Println(root.Path())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends, at the latest
}

func TestCleanRemovesWhatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	worker, folder := startWorker(t, parent)
	if err := scratch.Clean(parent); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("folder of a living process: %v", err)
	}
	kill(t, worker)
	own, err := scratch.Open(parent)
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 2 || slices.Contains(got, folder) {
		t.Errorf("left = %v, want the new folder and its lock", got)
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left = %v, want nothing", got)
	}
}

// Workers that start at the same time clean while others make their folders.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				root, err := scratch.Open(parent)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := root.New("layer"); err != nil {
					t.Error(err)
				}
				if err := root.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left = %v, want nothing", got)
	}
}

// startWorker starts a worker and returns it with its folder.
func startWorker(t *testing.T, parent string) (*exec.Cmd, string) {
	t.Helper()
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), roleEnv+"="+parent)
	input, err := worker.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = input.Close() })
	output, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		t.Fatal("the worker says nothing")
	}
	return worker, lines.Text()
}

// kill kills a worker that must have lived until now.
func kill(t *testing.T, worker *exec.Cmd) {
	t.Helper()
	_ = worker.Process.Kill() // how it ended shows whether it lived
	_ = worker.Wait()
	if status, _ := worker.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the worker did not live until it was killed: %v", worker.ProcessState)
	}
}

func entries(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
