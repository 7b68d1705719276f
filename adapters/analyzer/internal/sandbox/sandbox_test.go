package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

var ample = sandbox.Limits{Memory: 512 << 20, CPU: time.Minute, Wall: time.Minute, FileBytes: 64 << 20, Scratch: 64 << 20, OpenFiles: 256}

// TestMain plays the child: its first argument says how it behaves.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && behaviours[os.Args[1]] != nil {
		limits := ample
		if len(os.Args) > 2 && os.Args[2] == "little processor time" {
			limits.CPU = time.Second
		}
		if len(os.Args) > 2 && os.Args[2] == "few files" {
			_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: 100})
		}
		report := func(err error) { _ = os.WriteFile("report", []byte(err.Error()), 0o600) }
		if err := sandbox.Enter(limits, report); err != nil {
			panic(err)
		}
		if os.Args[1] == "starts slowly" {
			burn(1200 * time.Millisecond)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until the request
		if err := sandbox.Begin(limits); err != nil {
			panic(err)
		}
		behaviours[os.Args[1]]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var kept [][]byte

var behaviours = map[string]func(){
	"says":   func() { fmt.Printf("one\ntwo\n%s\nleft over", strings.Repeat("x", 1000)) },
	"sleeps": func() { fmt.Println(os.Getpid()); sleep() },
	"eats": func() {
		for {
			chunk := make([]byte, 8<<20)
			for i := range chunk {
				chunk[i] = 1
			}
			kept = append(kept, chunk)
		}
	},
	"burns":         func() { burn(time.Hour) },
	"starts slowly": func() { fmt.Println("started") },
	"fills": func() {
		for n := 0; ; n++ {
			_ = os.WriteFile("scratch-"+strconv.Itoa(n%40), make([]byte, 4<<20), 0o600)
		}
	},
	"writes a large file": func() {
		file, err := os.Create("large")
		for err == nil {
			_, err = file.Write(make([]byte, 1<<20))
		}
		sleep()
	},
	"crashes": func() { panic("broken beyond repair") },
	"reports": func() { os.Exit(sandbox.ExitReported) },
	"spawns": func() {
		grandchild := exec.Command(self(), "sleeps")
		output, err := grandchild.StdoutPipe()
		if err == nil {
			err = grandchild.Start()
		}
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(os.Stdout, output) // its number, once it lives, and then nothing
	},
	"looks around": func() {
		fmt.Println(strings.Join(os.Environ(), " "))
		_, err := net.Dial("tcp", os.Args[2])
		fmt.Println(err)
	},
}

// burn takes processor time.
func burn(duration time.Duration) {
	for used := (syscall.Rusage{}); time.Duration(used.Utime.Nano()+used.Stime.Nano()) < duration; {
		for n := range 10_000 {
			_ = strconv.Itoa(n)
		}
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			panic(err)
		}
	}
}

// sleep lives on until somebody ends the process, for longer than any test. A timer
// runs meanwhile: without one, Go ends a program in which everything waits.
func sleep() { time.Sleep(10 * time.Minute) }

func self() string {
	name, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return name
}

// run runs one child and returns the lines it wrote.
func run(t *testing.T, ctx context.Context, limits sandbox.Limits, seen func(string), arguments ...string) (lines []string, folder string, err error) {
	t.Helper()
	folder = t.TempDir()
	child, err := (&sandbox.Sandbox{}).Start(sandbox.Command{Args: arguments, Folder: folder, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	_, err = child.Run(ctx, nil, func(line []byte) {
		lines = append(lines, string(line))
		if seen != nil {
			seen(string(line))
		}
	})
	return lines, folder, err
}

func TestLinesOfTheChildArrive(t *testing.T) {
	t.Parallel()
	lines, _, err := run(t, t.Context(), ample, nil, "says")
	if want := []string{"one", "two", strings.Repeat("x", 1000)}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("lines = %q, %v; want %q", lines, err, want)
	}
}

func TestEndOfTheChild(t *testing.T) {
	t.Parallel()
	with := func(change func(*sandbox.Limits)) sandbox.Limits {
		limits := ample
		change(&limits)
		return limits
	}
	for _, test := range []struct {
		name   string
		limits sandbox.Limits
		want   error
		says   string
	}{
		{"eats", with(func(l *sandbox.Limits) { l.Memory = 96 << 20 }), errkind.Limit, "memory limit of 96 MiB"},
		{"sleeps", with(func(l *sandbox.Limits) { l.Wall = 200 * time.Millisecond }), errkind.Limit, "time limit of 200ms"},
		{"fills", ample, errkind.Limit, "scratch limit of 64 MiB"},
		{"crashes", ample, errkind.Invalid, "broken beyond repair"},
		{"reports", ample, sandbox.ErrReported, ""},
		{"says", ample, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, t.Context(), test.limits, nil, test.name)
			if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error = %v, want %v that says %q", err, test.want, test.says)
			}
		})
	}
}

func TestChildReportsTheLimitItMeets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, argument, says string }{
		{"burns", "little processor time", "processor limit of 1s"},
		{"writes a large file", "", "limit of 64 MiB a file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, folder, err := run(t, t.Context(), ample, nil, test.name, test.argument)
			report, _ := os.ReadFile(filepath.Join(folder, "report"))
			if !errors.Is(err, sandbox.ErrReported) || !strings.Contains(string(report), test.says) {
				t.Errorf("error = %v, report = %q; want one that says %q", err, report, test.says)
			}
		})
	}
}

// What a child takes before it has its request counts against no limit.
func TestStartIsNotCounted(t *testing.T) {
	t.Parallel()
	lines, _, err := run(t, t.Context(), ample, nil, "starts slowly", "little processor time")
	if want := []string{"started"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("lines = %q, %v; want %q", lines, err, want)
	}
}

// A waiting child ends when its input closes.
func TestStopEndsAWaitingChild(t *testing.T) {
	t.Parallel()
	child, err := (&sandbox.Sandbox{}).Start(sandbox.Command{Args: []string{"says"}, Folder: t.TempDir(), Limits: ample})
	if err != nil {
		t.Fatal(err)
	}
	if !child.Lives() {
		t.Error("a child without a request has ended")
	}
	if child.Stop(); child.Lives() {
		t.Error("the child lives on")
	}
}

func TestCancelKillsWhatTheChildStarted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	given := errors.New("given up")
	var grandchild int
	lines, _, err := run(t, ctx, ample, func(line string) {
		grandchild = living(t, line)
		cancel(given)
	}, "spawns")
	if !errors.Is(err, given) || len(lines) != 1 {
		t.Fatalf("error = %v after %q, want %v", err, lines, given)
	}
	if !gone(grandchild) {
		t.Errorf("process %d lives on", grandchild)
	}
}

// living is the process of which a child wrote the number, and which must live.
func living(t *testing.T, line string) int {
	t.Helper()
	pid, err := strconv.Atoi(line)
	if err != nil || ended(pid) {
		t.Errorf("there is no living process %q", line)
	}
	return pid
}

// ended reports whether a process is dead; its killer may leave a zombie to a parent
// that does not care.
func ended(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(status), ") Z ") || strings.Contains(string(status), ") X ")
}

// gone waits for the end of a process that was killed.
func gone(pid int) bool {
	for range 1000 {
		if ended(pid) {
			return true
		}
		_ = exec.Command("true").Run() // gives the kernel a turn
	}
	return false
}

func TestKilledChildIsWorthAnotherTry(t *testing.T) {
	t.Parallel()
	_, _, err := run(t, t.Context(), ample, func(line string) {
		if err := syscall.Kill(living(t, line), syscall.SIGKILL); err != nil {
			t.Errorf("kill process %s: %v", line, err)
		}
	}, "sleeps")
	if !errors.Is(err, errkind.Unavailable) {
		t.Errorf("error = %v, want errkind.Unavailable", err)
	}
}

func TestChildHasNeitherEnvironmentNorNetwork(t *testing.T) {
	t.Setenv("TAGWATCH_SECRET", "hunter2")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	lines, _, err := run(t, t.Context(), ample, nil, "looks around", listener.Addr().String())
	if err != nil || len(lines) != 2 {
		t.Fatalf("lines = %q, %v; want two", lines, err)
	}
	if strings.Contains(lines[0], "hunter2") {
		t.Errorf("environment = %s, want none of the worker's", lines[0])
	}
	if !strings.Contains(lines[1], "unreachable") && !strings.Contains(lines[1], "not permitted") {
		t.Errorf("dialing gives %q, want it refused", lines[1])
	}
}
