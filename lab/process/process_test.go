package process_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/tagwatch/tagwatch/lab/process"
)

func TestOf(t *testing.T) {
	t.Parallel()
	used, err := process.Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used.Resident == 0 || used.Peak < used.Resident || used.Files == 0 || used.Threads == 0 {
		t.Errorf("%+v", used)
	}
	if _, err := process.Of(1 << 30); err == nil {
		t.Error("a process that does not exist uses something")
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	child := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo; read line")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	used, err := process.Of(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := process.Family(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used.CPU == 0 || whole.CPU < used.CPU {
		t.Errorf("the child used %s, the family %s", used.CPU, whole.CPU)
	}
	in.Close()
	_ = child.Wait()
}
