package scratch_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/scratch"
)

const roleEnv = "TAGWATCH_TEST_SCRATCH"

// TestMain plays a worker that makes a folder and lives until it is killed.
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
	os.Stdout.WriteString(root.Path() + "\n")
	select {}
}

func TestSweepRemovesWhatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), roleEnv+"="+parent)
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
	folder := lines.Text()
	if err := scratch.Sweep(parent); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("folder of a living process: %v", err)
	}
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait() // it was killed
	own, err := scratch.Open(parent)
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 2 {
		t.Errorf("left = %v, want the new folder and its lock", got)
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left = %v, want nothing", got)
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
