package analyzer_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/lab"
)

// kills is how often each kind of process is killed.
const kills = 3

// Whenever a worker is killed, its child ends with it, the next worker clears
// away what both left, and what it then finds is complete.
func TestWorkerKilledAtRandomMoments(t *testing.T) {
	random := seeded(t)
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	want, lasts := timed(t, b, request)
	for range kills {
		directory := t.TempDir()
		worker, output := startWorker(t, directory, request)
		<-time.After(random(lasts)) // the moment is what is tested
		_ = worker.Process.Kill()   // it may have ended
		_ = worker.Wait()
		if said := strings.TrimSpace(output.String()); !killed(worker) && !strings.HasSuffix(said, "<nil>") {
			t.Fatalf("the worker ended before it was killed or done: %v, %q", worker.ProcessState, said)
		}
		ended(t, directory)
		b.directory = directory
		b.open(t, analyzer.Options{})
		if left := b.leftovers(t); len(left) > 0 {
			t.Errorf("left in the scratch space: %v", left)
		}
		expectSame(t, b, request, want)
	}
}

// Whenever a child is killed, there is no result, or all of it.
func TestChildKilledAtRandomMoments(t *testing.T) {
	random := seeded(t)
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	want, lasts := timed(t, b, request)
	for range kills {
		kill := time.AfterFunc(random(lasts), func() {
			for _, pid := range processesIn(b.directory) {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
		})
		result, err := b.Analyze(t.Context(), request)
		kill.Stop()
		switch {
		case err != nil && (result.SBOM != nil || result.Inventory != nil):
			t.Errorf("a partial result with the error %v", err)
		case err == nil:
			if diff := cmp.Diff(want.Inventory, result.Inventory); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		ended(t, b.directory)
		if left := b.leftovers(t); len(left) > 0 {
			t.Errorf("left in the scratch space: %v", left)
		}
	}
	expectSame(t, b, request, want)
}

// seeded gives random moments within a duration; a failed test reports how to have
// the same again.
func seeded(t *testing.T) func(time.Duration) time.Duration {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("TAGWATCH_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TAGWATCH_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	return func(within time.Duration) time.Duration { return time.Duration(random.Int64N(int64(within))) }
}

func timed(t *testing.T, b *bench, request analyzer.Request) (analyzer.Result, time.Duration) {
	t.Helper()
	began := time.Now()
	result, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return result, time.Since(began)
}

func expectSame(t *testing.T, b *bench, request analyzer.Request, want analyzer.Result) {
	t.Helper()
	got, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatalf("afterwards: %v", err)
	}
	if diff := cmp.Diff(string(want.SBOM), string(got.SBOM)); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

// startWorker starts a worker that, like its child, works in the directory.
func startWorker(t *testing.T, directory string, request analyzer.Request) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(job{Directory: directory, Digest: request.Digest, Name: request.Name, Source: request.Source.(source)})
	if err != nil {
		t.Fatal(err)
	}
	worker := exec.Command(os.Args[0])
	worker.Dir = directory
	worker.Env = append(os.Environ(), workerEnv+"="+string(text))
	output := &bytes.Buffer{}
	worker.Stdout = output
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	return worker, output
}

// ended waits for the end of the processes that work in a directory: the kernel
// ends them with the worker, which takes it a moment.
func ended(t *testing.T, directory string) {
	t.Helper()
	for _, pid := range processesIn(directory) {
		handle, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended
		}
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, 10_000); n != 1 {
			t.Errorf("process %d lives on: %v", pid, err)
		}
		unix.Close(handle)
	}
}

// processesIn are the processes whose working folder is a directory or below it.
func processesIn(directory string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is good
	for _, link := range links {
		folder, err := os.Readlink(link)
		if err != nil || folder != directory && !strings.HasPrefix(folder, directory+"/") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
