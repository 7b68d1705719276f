package process_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/tagwatch/tagwatch/lab/process"
)

// TestExhaustedMemory has the kernel kill a program that wants more.
func TestExhaustedMemory(t *testing.T) {
	t.Parallel()
	memory, err := process.NewMemory(fmt.Sprintf("tagwatch-test-%d", os.Getpid()))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrNotExist) {
		t.Log("not permitted here, which is what NewMemory is to say:", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// It joins, asks to go on, and then doubles a text without end.
	program := exec.Command("sh", "-c", `echo $$ > "$0"; echo; read line; x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`, memory.Entrance())
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := memory.Exhaust(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in)
	_ = program.Wait()
	if status := program.ProcessState.String(); !strings.Contains(status, "killed") {
		t.Errorf("it ended with %s, want it killed", status)
	}
	if kills, err := memory.Kills(); err != nil || kills != 1 {
		t.Errorf("%d kills, %v", kills, err)
	}
	if err := errors.Join(memory.Release(), memory.Close()); err != nil {
		t.Error(err)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	program := exec.Command("sh", "-c", "sleep 600 & echo; wait")
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL); _ = program.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	self := fmt.Sprint(program.Process.Pid)
	child, err := os.ReadFile("/proc/" + self + "/task/" + self + "/children")
	if err != nil {
		t.Fatal(err)
	}
	stopped := func() (n int) {
		for _, pid := range []string{self, strings.TrimSpace(string(child))} {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(stat), ") T ")
		}
		return n
	}
	resume, err := process.Pause(program.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for stopped() != 2 {
	}
	resume()
	for stopped() != 0 {
	}
}
