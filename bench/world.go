package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/postgres"
	"github.com/tagwatch/tagwatch/lab/process"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// world is the installation and its counterparts.
type world struct {
	size
	bin, dir string
	log      *tailLog
	stack    *stack.Stack
	database *postgres.Server // nil with SQLite
	registry *lab.Registry
	feed     *feed.Feed
	receiver *lab.Receiver
	table    table
}

func newWorld(ctx context.Context, bin, dir string, n size, sqlite bool) (*world, error) {
	w := &world{size: n, bin: bin, dir: dir, log: &tailLog{}}
	var err error
	if w.registry, err = lab.NewRegistry(); err != nil {
		return nil, err
	}
	if w.receiver, err = lab.NewReceiver(); err != nil {
		return nil, err
	}
	if w.feed, err = feed.New(); err != nil {
		return nil, err
	}
	environment := []string{"TAGWATCH_FEED_URL=" + w.feed.ListingURL(), "TAGWATCH_FEED_INTERVAL=24h",
		"TAGWATCH_REGISTRY_RATE=2000", "TAGWATCH_ANALYSIS_SLOTS=2", "TAGWATCH_SOURCE_PATHS=" + w.sources(), "TAGWATCH_LOG_LEVEL=warn"}
	if !sqlite {
		if w.database, err = postgres.New(ctx, filepath.Join(dir, "postgres"), w.log); err != nil {
			return nil, err
		}
		if err := w.database.Start(ctx); err != nil {
			return nil, err
		}
		environment = append(environment, "TAGWATCH_DATABASE_URL="+w.database.URL("postgres"), "TAGWATCH_TEMPORAL_POSTGRES="+w.database.URL("temporal"))
	}
	w.stack, err = stack.New(stack.Options{Bin: bin, DataDir: filepath.Join(dir, "data"), Log: w.log, Env: environment})
	return w, err
}

func (w *world) close() {
	_ = w.stack.Stop() // everything is thrown away
	if w.database != nil {
		_ = w.database.Stop()
	}
	w.registry.Close()
	w.feed.Close()
	w.receiver.Close()
}

// The repositories: one whose images the data touch, one whose tags the policy
// turns, and the rest.
const (
	touched   = "touched/app"
	turned    = "turned/app"
	ordinary  = "ordinary/app"
	perFolder = 1000 // tags of an ordinary repository
)

// repositories are all of them with the number of their tags.
func (w *world) repositories() map[string]int {
	all := map[string]int{touched: w.images, turned: w.flips}
	if w.copied {
		all[ordinary+"0"] = 1
		return all
	}
	for left, n := w.tags-w.images-w.flips, 0; left > 0; left, n = left-perFolder, n+1 {
		all[fmt.Sprintf("%s%d", ordinary, n)] = min(left, perFolder)
	}
	return all
}

// push fills the registry.
func (w *world) push() error {
	for name, tags := range w.repositories() {
		if _, err := w.registry.Push(name+":0", must(imageOf(name, 0))); err != nil {
			return err
		}
		for n := 1; n < tags; n++ {
			var err error
			if name == touched {
				_, err = w.registry.Push(fmt.Sprintf("%s:%d", name, n), must(imageOf(name, n)))
			} else {
				err = w.registry.Tag(name+":0", fmt.Sprint(n))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// imageOf has what the data or the policy are about.
func imageOf(repository string, n int) (v1.Image, error) {
	installed := lab.Deb{Name: "bash", Version: "5.2.15-2"}
	switch repository {
	case touched:
		installed = lab.Deb{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Source: "zlib"}
	case turned:
		installed = lab.Deb{Name: "curl", Version: "7.88.1-10"}
	}
	return lab.NewImage(lab.Debian(installed), lab.Labels(map[string]string{"org.opencontainers.image.version": fmt.Sprint(repository, n)}))
}

// publish makes data in which zlib's flaw has that severity the newest.
func (w *world) publish(severity string) error {
	dir, err := os.MkdirTemp(w.dir, "feed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = w.feed.PublishBuild(dir,
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: severity},
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-3003", Package: "curl", Severity: "Medium"})
	return err
}

// notified waits until so many notifications of a type have come.
func (w *world) notified(ctx context.Context, kind string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for came := 0; came < n; {
		hook, err := w.receiver.Next(ctx)
		if err != nil {
			return fmt.Errorf("%d of %d %s came: %w", came, n, kind, err)
		}
		var body struct {
			Kind string `json:"queueId"`
		}
		if err := json.Unmarshal(hook.Body, &body); err != nil {
			return err
		}
		if body.Kind == kind {
			came++
		}
	}
	w.receiver.Forget()
	return nil
}

// The processes that count.
const (
	worker   = "tagwatch-worker"
	temporal = "tagwatch-temporal"
	database = "postgres"
)

var programs = []string{worker, temporal, database}

// usage is what each process uses now.
func (w *world) usage() (map[string]process.Usage, error) {
	used := map[string]process.Usage{}
	for _, program := range programs[:2] {
		pid, err := w.stack.Pid(program)
		if err != nil {
			return nil, err
		}
		if used[program], err = process.Of(pid); err != nil {
			return nil, err
		}
	}
	if w.database == nil {
		return used, nil
	}
	var err error
	used[database], err = process.Family(w.database.Pid())
	return used, err
}

func must[T any](made T, err error) T {
	if err != nil {
		panic(err) // what the lab makes of constants
	}
	return made
}

// tailLog keeps the end of what the programs print.
type tailLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const keptLog = 64 << 10

func (l *tailLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > keptLog {
		l.text.Next(l.text.Len() - keptLog/2)
	}
	return l.text.Write(p)
}

func (l *tailLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.text.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
