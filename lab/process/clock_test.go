//go:build linux && amd64

package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab/process"
)

const tellsTime = "TAGWATCH_TEST_TELLS_TIME"

// TestMain is also the program whose clock is shifted: it answers each line with
// the time and with how long it has run.
func TestMain(m *testing.M) {
	if os.Getenv(tellsTime) == "" {
		os.Exit(m.Run())
	}
	began := time.Now()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		now := time.Now()
		fmt.Println(now.Unix(), int(now.Sub(began).Seconds()))
	}
}

func TestShiftClock(t *testing.T) {
	t.Parallel()
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), tellsTime+"=1")
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
	t.Cleanup(func() { in.Close(); _ = program.Wait() })
	answers := bufio.NewScanner(out)
	// ahead is how many hours its clock is ahead of ours.
	ahead := func() float64 {
		t.Helper()
		fmt.Fprintln(in)
		if !answers.Scan() {
			t.Fatal("it ended", answers.Err())
		}
		told, ran, _ := strings.Cut(answers.Text(), " ")
		seconds, err := strconv.ParseInt(told, 10, 64)
		if elapsed, _ := strconv.Atoi(ran); err != nil || elapsed > 1800 {
			t.Fatalf("it says %q", answers.Text())
		}
		return time.Until(time.Unix(seconds, 0)).Round(10 * time.Minute).Hours()
	}
	if got := ahead(); got != 0 {
		t.Errorf("%v hours ahead before", got)
	}
	for _, hours := range []time.Duration{2, -3} {
		restore, err := process.ShiftClock(program.Process.Pid, hours*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := ahead(); got != float64(hours) {
			t.Errorf("%v hours ahead, want %d", got, hours)
		}
		if err := restore(); err != nil {
			t.Fatal(err)
		}
		if got := ahead(); got != 0 {
			t.Errorf("%v hours ahead afterwards", got)
		}
	}
	if _, err := process.ShiftClock(1<<30, time.Hour); err == nil {
		t.Error("the clock of a process that does not exist is shifted")
	}
}
