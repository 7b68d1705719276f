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

// group makes a control group, or reports that it is not permitted here.
func group(t *testing.T, name string) *process.Memory {
	t.Helper()
	memory, err := process.NewMemory(fmt.Sprintf("tagwatch-test-%s-%d", name, os.Getpid()))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrNotExist) {
		t.Log("not permitted here, which is what NewMemory is to say:", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// TestExhaustedMemory has the kernel kill a program that wants more.
func TestExhaustedMemory(t *testing.T) {
	t.Parallel()
	memory := group(t, "exhausted")
	if memory == nil {
		return
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

// TestPressedMemory has the kernel kill a program that asks for no more than it has,
// before the smaller one that asks for the rest.
func TestPressedMemory(t *testing.T) {
	t.Parallel()
	memory := group(t, "pressed")
	if memory == nil {
		return
	}
	program := exec.Command("sh", "-c", `echo $$ > "$0"; x=$(head -c 8000000 /dev/zero | tr '\0' a); echo; read line`, memory.Entrance())
	if _, err := program.StdinPipe(); err != nil { // which it waits for
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
	release, err := memory.Press()
	if err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	release()
	if status := program.ProcessState.String(); !strings.Contains(status, "killed") {
		t.Errorf("it ended with %s, want it killed", status)
	}
	// What presses may take the room that the program left, and be killed for it too.
	if kills, err := memory.Kills(); err != nil || kills < 1 {
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
