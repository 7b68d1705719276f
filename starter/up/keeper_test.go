package up

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that ignores the request to stop is killed after its grace.
func TestStopKillsWhatDoesNotStop(t *testing.T) {
	t.Parallel()
	output, input := io.Pipe()
	var stubborn *exec.Cmd
	k := keep(t.Context(), program{
		name: "stubborn", grace: 50 * time.Millisecond, say: t.Logf,
		advice: func() string { return "" },
		command: func() *exec.Cmd {
			command := exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 0.01; done`)
			command.Stdout, stubborn = input, command
			return command
		},
		watch: func(_ context.Context, ready func()) {
			if _, err := output.Read(make([]byte, len("ready\n"))); err == nil {
				ready()
			}
		},
	})
	if err := k.awaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.stop()
	if status, _ := stubborn.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v, want it killed", stubborn.ProcessState)
	}
}

// A program that is not there is given up, with advice.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	k := keep(t.Context(), program{
		name: "missing", say: t.Logf,
		advice:  func() string { return "; look for it" },
		command: func() *exec.Cmd { return exec.Command("/nowhere/missing") },
	})
	err := k.awaitReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "missing does not start") || !strings.HasSuffix(err.Error(), "; look for it") {
		t.Errorf("got %v", err)
	}
	k.stop()
}

// An announcement may come in pieces and after other lines.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	found := make(chan announcement, 1)
	reader := &announcements{to: found}
	for _, piece := range []string{"starting\n{\"addr", "ess\":\"127.0.0.1:7\",\"namespace\"", ":\"n\"}\nmore\n", "and more\n"} {
		if n, err := reader.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := <-found; got != (announcement{Address: "127.0.0.1:7", Namespace: "n"}) {
		t.Errorf("got %+v", got)
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	var words lastWords
	for _, text := range []string{"first\nlast\x1b\n", "\n", ""} {
		if _, err := words.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := words.String(); got != "; last output: last\ufffd" {
		t.Errorf("got %q", got)
	}
	if got := (&lastWords{}).String(); got != "" {
		t.Errorf("silent: got %q", got)
	}
}
