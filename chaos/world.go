package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/postgres"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// world is the installation, its counterparts, and what is true of them now.
type world struct {
	dir      string
	log      *runLog
	stack    *stack.Stack
	database *postgres.Server
	registry *lab.Registry
	feed     *feed.Feed
	receiver *lab.Receiver
	analysis *analysisWorker
	ledger   *ledger

	movers []mover
	grown  int  // tags that were pushed to the growing repository
	high   bool // the severity that the data give the flaw of zlib
	strict bool // the policy of the judged tags stops
	pushes int  // images so far, to make each another
}

// mover is a tag that moves, with every image that it pointed to.
type mover struct {
	name     string
	images   []version
	now      int
	analyzed int // the last that could be
}

// version is an image that a mover points to at some time.
type version struct {
	digest v1.Hash
	image  v1.Image
	flawed bool
	broken bool // its package database is damaged
}

// settings say what to run and where.
type settings struct {
	bin, dir         string
	temporalPostgres bool
}

func newWorld(ctx context.Context, use settings) (*world, error) {
	w := &world{dir: use.dir, log: &runLog{dir: use.dir}}
	if err := w.log.begin("setup"); err != nil {
		return nil, err
	}
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
	w.ledger = newLedger(w.receiver)
	if w.database, err = postgres.New(ctx, filepath.Join(use.dir, "postgres"), w.log); err != nil {
		return nil, err
	}
	if err := w.database.Start(ctx); err != nil {
		return nil, err
	}
	environment := []string{"TAGWATCH_DATABASE_URL=" + w.database.URL("postgres"), "TAGWATCH_FEED_URL=" + w.feed.ListingURL(),
		"TAGWATCH_FEED_INTERVAL=24h", "TAGWATCH_REGISTRY_RATE=1000"}
	if use.temporalPostgres {
		environment = append(environment, "TAGWATCH_TEMPORAL_POSTGRES="+w.database.URL("temporal"))
	}
	// The workers that analyze are a process of their own, which can be stopped.
	w.stack, err = stack.New(stack.Options{Bin: use.bin, DataDir: filepath.Join(use.dir, "data"), Log: w.log,
		Env: append(environment, "TAGWATCH_SERVE=watching,matching,delivery")})
	w.analysis = newAnalysisWorker(w.stack, append(environment, "TAGWATCH_SERVE=analysis",
		"TAGWATCH_LISTEN=127.0.0.1:0", "TAGWATCH_DATA_DIR="+filepath.Join(use.dir, "analysis")), w.log)
	return w, err
}

func (w *world) close() error {
	w.analysis.stop()
	return errors.Join(w.stack.Stop(), w.database.Stop(), w.registry.Close(), w.feed.Close(), w.receiver.Close(), w.log.Close())
}

// The tags: each group is changed by one kind of action only, so that what
// happens to one is never mixed up with what happens to another.
const (
	movers     = 10 // their image changes
	fed        = 6  // the data about their package change
	judged     = 6  // their policy changes
	repository = "grown/app"
)

// begin watches everything and waits for what is notified first.
func (w *world) begin(ctx context.Context) error {
	if err := w.pushFirst(); err != nil {
		return err
	}
	if err := w.publish(); err != nil {
		return err
	}
	if err := w.stack.Start(ctx); err != nil {
		return err
	}
	w.analysis.start()
	for _, command := range [][]string{
		{"endpoint", "add", "receiver", w.receiver.URL() + "/hook"},
		{"policy", "add", "--activate", w.bundle()},
		{"feed", "sync"},
		append([]string{"subscribe", "--wait", "--interval", "30s"}, w.references()...),
		{"repository", "watch", "--list-interval", "30s", "--interval", "30s", w.reference(repository)},
	} {
		if _, err := w.stack.Do(ctx, command...); err != nil {
			return err
		}
	}
	for _, reference := range append(w.references(), w.reference(repository+":0")) {
		w.ledger.expect(expectation{kind: "analysis_update", key: reference, causes: []string{"image"}})
	}
	if err := w.ledger.settle(ctx); err != nil {
		return err
	}
	fmt.Printf("%d tags watched, and repository %s; Web UI: %s\n", len(w.references()), w.reference(repository), w.stack.UI)
	return nil
}

func (w *world) pushFirst() error {
	for n := range movers {
		m := mover{name: fmt.Sprintf("moved/app%d:latest", n)}
		if err := w.move(&m, n%2 == 0, false); err != nil {
			return err
		}
		w.movers = append(w.movers, m)
	}
	for group, image := range map[string]v1.Image{"fed": must(flawedZlib()), "judged": must(flawedCurl())} {
		for n := range max(fed, judged) {
			if _, err := w.registry.Push(fmt.Sprintf("%s/app:%d", group, n), image); err != nil {
				return err
			}
		}
	}
	return w.grow()
}

// references are the tags that are subscribed to by name.
func (w *world) references() []string {
	var all []string
	for _, m := range w.movers {
		all = append(all, w.reference(m.name))
	}
	return append(append(all, w.group("fed", fed)...), w.group("judged", judged)...)
}

func (w *world) group(name string, size int) []string {
	all := make([]string, size)
	for n := range all {
		all[n] = w.reference(fmt.Sprintf("%s/app:%d", name, n))
	}
	return all
}

func (w *world) reference(name string) string { return w.registry.Host() + "/" + name }

// silence waits at the end for what should not come.
func (w *world) silence(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Second):
	}
	return w.ledger.settle(ctx)
}

// command runs a command again until it succeeds, as a person would: what it
// needs may have been killed.
func (w *world) command(ctx context.Context, arguments ...string) (string, error) {
	for {
		out, err := w.stack.Do(ctx, arguments...)
		if err == nil {
			return out, nil
		}
		fmt.Fprintf(w.log, "chaos: %s\n", strings.TrimSpace(err.Error()))
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("tagwatch %s: %w; last: %w", strings.Join(arguments, " "), ctx.Err(), err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// write writes a file that a command reads.
func (w *world) write(name, content string) (string, error) {
	path := filepath.Join(w.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

func must[T any](made T, err error) T {
	if err != nil {
		panic(err) // what the lab makes of constants
	}
	return made
}
