package process_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab/process"
)

// TestLimit keeps the files of a running program from growing, until it is lifted.
func TestLimit(t *testing.T) {
	t.Parallel()
	const program = `echo; read line; echo news > "$0"`
	for _, lifted := range []bool{false, true} {
		command := exec.Command("sh", "-c", program, filepath.Join(t.TempDir(), "file"))
		in, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		lift, err := process.Limit(command.Process.Pid, process.FileSize, 0)
		if err != nil {
			t.Fatal(err)
		}
		if lifted {
			if err := lift(); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintln(in)
		_ = command.Wait()
		if status := command.ProcessState.String(); strings.Contains(status, "file size limit exceeded") == lifted {
			t.Errorf("lifted: %v, it ended with %s", lifted, status)
		}
		if err := lift(); err != nil {
			t.Errorf("lifted of a process that has ended: %v", err)
		}
	}
}
