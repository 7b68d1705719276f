package e2e_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// patience bounds each wait of a test: the heartbeat timeout of a killed
// worker's step, and some.
const patience = 4 * time.Minute

// installation is Tagwatch with its counterparts.
type installation struct {
	*stack.Stack
	t        *testing.T
	registry *lab.Registry
	feed     *feed.Feed
	receiver *lab.Receiver
	log      *testLog
}

// install starts Tagwatch on SQLite with an endpoint and vulnerability data, and
// with these further settings.
func install(t *testing.T, settings ...string) *installation {
	t.Helper()
	i := bring(t, settings...)
	i.do("endpoint", "add", "receiver", i.receiver.URL())
	i.do("feed", "sync")
	return i
}

// bring starts Tagwatch with its counterparts, of which it is notified nothing yet.
func bring(t *testing.T, settings ...string) *installation {
	t.Helper()
	return counterparts(t).elsewhere(t.TempDir(), settings...)
}

// counterparts are those of an installation that is not there yet.
func counterparts(t *testing.T) *installation {
	t.Helper()
	i := &installation{t: t, registry: made(lab.NewRegistry())(t), feed: made(feed.New())(t), receiver: made(lab.NewReceiver())(t), log: newLog(t)}
	made(i.feed.PublishBuild(t.TempDir(), feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Severity: "High"}))(t)
	t.Cleanup(func() {
		i.registry.Close()
		i.feed.Close()
		i.receiver.Close()
	})
	return i
}

// elsewhere starts an installation in another directory, with the same
// counterparts.
func (i *installation) elsewhere(dir string, settings ...string) *installation {
	i.t.Helper()
	return i.startFrom(bin(i.t), dir, settings...)
}

// startFrom is elsewhere with the programs of a folder.
func (i *installation) startFrom(programs, dir string, settings ...string) *installation {
	i.t.Helper()
	next := *i
	next.Stack = made(stack.New(stack.Options{Bin: programs, DataDir: dir, Log: i.log, Env: append(settings,
		"TAGWATCH_FEED_URL="+i.feed.ListingURL(), "TAGWATCH_FEED_INTERVAL=24h", "TAGWATCH_LOG_LEVEL=info")}))(i.t)
	must(i.t, next.Start(i.t.Context()))
	i.t.Cleanup(func() { must(i.t, next.Stop()) })
	return &next
}

// do runs a command that must succeed.
func (i *installation) do(arguments ...string) string {
	i.t.Helper()
	return made(i.Do(i.t.Context(), arguments...))(i.t)
}

// push pushes an image and returns its full reference.
func (i *installation) push(reference string, parts ...lab.Part) string {
	i.t.Helper()
	made(i.registry.Push(reference, made(lab.NewImage(parts...))(i.t)))(i.t)
	return i.registry.Host() + "/" + reference
}

// notified waits for n different notifications and returns them by id.
func (i *installation) notified(n int) map[string]received {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	for seen := n; ; seen++ {
		hooks, err := i.receiver.WaitFor(ctx, seen)
		found := byID(i.t, hooks)
		if len(found) >= n {
			return found
		}
		if err != nil {
			i.t.Fatalf("%d of %d notifications: %v", len(found), n, err)
		}
	}
}

// received is what the tests read of a body.
type received struct {
	ID   string `json:"dataId"`
	Kind string `json:"queueId"`
	Data struct {
		Payload struct {
			Key   string `json:"subscription_key"`
			Cause string
		} `json:"notification_payload"`
	}
	deliveries int
}

// byID groups what arrived by the id of the notification: a repeated delivery
// has the same.
func byID(t *testing.T, hooks []lab.Hook) map[string]received {
	t.Helper()
	found := map[string]received{}
	for _, hook := range hooks {
		var n received
		must(t, json.Unmarshal(hook.Body, &n))
		n.deliveries = found[n.ID].deliveries + 1
		found[n.ID] = n
	}
	return found
}

// kinds counts notifications by type.
func kinds(found map[string]received) map[string]int {
	counts := map[string]int{}
	for _, n := range found {
		counts[n.Kind]++
	}
	return counts
}

// bin is the directory of the built programs.
func bin(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TAGWATCH_TEST_BIN")
	if dir == "" {
		dir = filepath.Join("..", "bin")
	}
	dir = made(filepath.Abs(dir))(t)
	if _, err := os.Stat(filepath.Join(dir, "tagwatch-temporal")); err != nil {
		t.Fatalf("the programs are not built: run make build: %v", err)
	}
	return dir
}

// databases are those that tests run on: SQLite in the data directory (""), and
// PostgreSQL where TAGWATCH_TEST_POSTGRES names a server.
func databases(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{"SQLite": ""}
	if server := os.Getenv("TAGWATCH_TEST_POSTGRES"); server != "" {
		found["PostgreSQL"] = newDatabase(t, server)
	}
	return found
}

// newDatabase makes an empty database for one test.
func newDatabase(t *testing.T, server string) string {
	t.Helper()
	name := fmt.Sprintf("e2e_%d", time.Now().UnixNano())
	admin := made(sql.Open("postgres", server))(t)
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		must(t, err)
		must(t, admin.Close())
	})
	address := made(url.Parse(server))(t)
	address.Path = "/" + name
	return address.String()
}

// testLog shows what the programs print if the test fails.
type testLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLog(t *testing.T) *testLog {
	log := &testLog{}
	t.Cleanup(func() {
		log.mu.Lock()
		defer log.mu.Unlock()
		if t.Failed() {
			t.Log(tail(log.text.String()))
		}
	})
	return log
}

// String is what was printed so far.
func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// tail is the end of a long text.
func tail(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is for results that come with an error.
func made[T any](result T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return result
	}
}

// eventually waits until something is so.
func (i *installation) eventually(what string, so func() bool) {
	i.t.Helper()
	deadline := time.After(patience)
	for !so() {
		select {
		case <-deadline:
			i.t.Fatalf("it never came to pass that %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
