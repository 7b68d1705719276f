package main

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

const (
	sharedDatabase = "TAGWATCH_SHARES_DATABASE"
	sharedTag      = "TAGWATCH_SHARES_TAG"
)

// TestShareProcess is a process of the next test: it asks for one tag as often as it may.
func TestShareProcess(t *testing.T) {
	tag := os.Getenv(sharedTag)
	if tag == "" {
		t.Skip("a process of TestWorkersShareAnAnnouncedLimit")
	}
	ref, err := image.ParseReference(tag)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := store.Open(t.Context(), os.Getenv(sharedDatabase))
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	client, err := registry.New(registry.Options{RequestsPerSecond: 1000, Shares: shares{keeper, time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for {
		_, err := client.Head(t.Context(), ref)
		var paused *registry.CoolDownError
		if errors.As(err, &paused) {
			<-time.After(paused.RetryAfter())
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWorkersShareAnAnnouncedLimit has four processes ask a registry that allows a hundred
// requests in a window for as much as they can get, and kills one of them. The registry
// refuses none, and each gets about the same.
func TestWorkersShareAnAnnouncedLimit(t *testing.T) {
	for name, address := range sharedDatabases(t) {
		t.Run(name, func(t *testing.T) {
			host, err := lab.NewRegistry()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = host.Close() })
			built, err := lab.NewImage(lab.Copy("/app", lab.Text("/app", "x")))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := host.Push("app:0", built); err != nil {
				t.Fatal(err)
			}
			const limit, processes = 100, 4
			var running []*exec.Cmd
			var starts []io.Writer
			for n := range processes {
				if err := host.Tag("app:0", strconv.Itoa(n+1)); err != nil {
					t.Fatal(err)
				}
				process, start := shareProcess(t, address, host.Reference(fmt.Sprintf("app:%d", n+1)))
				running, starts = append(running, process), append(starts, start)
			}
			host.Forget()
			host.Allow(lab.Quota{Limit: limit, Window: 5 * time.Second, Heads: true})
			for _, start := range starts {
				fmt.Fprintln(start, "go")
			}
			asked := func() (got [processes]int, total int) {
				for n := range got {
					got[n] = host.Count(lab.Call{Kind: lab.KindManifest, Reference: strconv.Itoa(n + 1)})
					total += got[n]
				}
				return got, total
			}
			reach := func(n int) [processes]int {
				for {
					if got, total := asked(); total >= n && slices.Min(got[:]) > 0 || t.Context().Err() != nil {
						return got
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			first := reach(limit / 2) // and all are at it
			_ = running[0].Process.Kill()
			last := reach(3*limit - 20) // the rest of one window, the next, and most of another
			t.Logf("requests of each until one was killed %v, and in all %v", first, last)
			if refused := host.Refused(); refused > 0 {
				t.Errorf("%d requests refused", refused)
			}
			left := 0
			for n := range last {
				last[n] -= first[n]
				left += last[n]
			}
			left -= last[0]
			for n, got := range last[1:] {
				if got*3*10 < left*7 || got*3*10 > left*13 {
					t.Errorf("process %d made %d of %d requests", n+1, got, left)
				}
			}
		})
	}
}

// shareProcess returns once it is ready to begin.
func shareProcess(t *testing.T, database, tag string) (*exec.Cmd, io.Writer) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestShareProcess$")
	process.Env = append(os.Environ(), sharedDatabase+"="+database, sharedTag+"="+tag)
	process.Stderr = os.Stderr
	start, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	lines := bufio.NewScanner(said)
	for lines.Scan() && lines.Text() != "ready" {
	}
	return process, start
}

// sharedDatabases are empty, by name.
func sharedDatabases(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"sqlite": "sqlite://" + filepath.Join(t.TempDir(), "tagwatch.db")}
	if server := os.Getenv("TAGWATCH_TEST_POSTGRES"); server != "" {
		admin, err := sql.Open("postgres", server)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("shares_%d", os.Getpid())
		if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, _ = admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
			_ = admin.Close()
		})
		parsed, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		parsed.Path = "/" + name
		all["postgres"] = parsed.String()
	}
	return all
}
