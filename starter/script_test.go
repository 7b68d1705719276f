package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits runs a program that must end with that code: exit CODE PROGRAM [ARG...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// freePort finds ports for the variables: port NAME...
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		_, port, err := net.SplitHostPort(listener.Addr().String())
		ts.Check(err)
		ts.Setenv(name, port)
		ts.Check(listener.Close())
	}
}

// patience is how long a session waits for what must come.
const patience = 30 * time.Second

// until waits until so many lines of the file, one by default, hold the text:
// until FILE TEXT [LINES].
func until(ts *testscript.TestScript, _ bool, args []string) {
	times := 1
	if len(args) == 3 {
		var err error
		times, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	await(ts, fmt.Sprintf("%s holds no %q", args[0], args[1]), func() bool {
		content, _ := os.ReadFile(ts.MkAbs(args[0]))
		found := 0
		for line := range bytes.Lines(content) {
			if bytes.Contains(line, []byte(args[1])) {
				found++
			}
		}
		return found >= times
	})
}

// signalTo sends a signal to the process whose id the file ends with:
// signal NAME FILE.
func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	ts.Check(syscall.Kill(processOf(ts, args[1]), signals[args[0]]))
}

// gone waits until the processes have ended whose ids the files end with:
// gone FILE...
func gone(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args {
		process := processOf(ts, file)
		await(ts, fmt.Sprintf("process %d of %s still runs", process, file), func() bool { return !running(process) })
	}
}

func processOf(ts *testscript.TestScript, file string) int {
	words := strings.Fields(ts.ReadFile(file))
	if len(words) == 0 {
		ts.Fatalf("%s names no process", file)
	}
	process, err := strconv.Atoi(words[len(words)-1])
	ts.Check(err)
	return process
}

// running reports whether the process still does anything: one that ended may stay
// in the table until its parent looks.
func running(process int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}

func await(ts *testscript.TestScript, missing string, there func() bool) {
	deadline := time.After(patience)
	for !there() {
		select {
		case <-deadline:
			ts.Fatalf("after %s: %s", patience, missing)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
