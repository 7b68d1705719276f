package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/disk"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/postgres"
	"github.com/tagwatch/tagwatch/lab/process"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// world is the installation, its counterparts, and what is true of them now.
type world struct {
	use      settings
	dir      string
	log      *runLog
	stack    *stack.Stack
	database *postgres.Server
	registry *lab.Registry
	feed     *feed.Feed
	receiver *lab.Receiver
	analysis *besideWorker
	ledger   *ledger

	// What the faults are made with.
	links  map[string]*lab.Link       // the ways from the workers, by where they lead
	memory map[string]*process.Memory // of each worker; empty where it is not permitted
	disks  []*disk.Disk               // one for each directory; nil where it is not permitted
	cutter *cutter
	mute   *muteReceivers // nil for none
	held   map[string]*sync.Mutex

	cluster     *lab.Cluster
	deployments *deployments

	movers []mover
	grown  int          // tags that were pushed to the growing repository
	high   bool         // the severity that the data give the flaw of zlib
	strict bool         // the policy of the judged tags stops
	pushes atomic.Int64 // images so far, to make each another
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
	faults           []string      // which can happen
	pause            time.Duration // how long a process stands still
}

// linked are the parts that the workers reach by links, in order.
var linked = []string{temporal, database, registry, receiver, source, cluster}

func newWorld(ctx context.Context, use settings) (*world, error) {
	w := &world{use: use, dir: use.dir, log: &runLog{dir: use.dir}, held: map[string]*sync.Mutex{}, cutter: &cutter{}}
	for _, victim := range victims {
		w.held[victim] = &sync.Mutex{}
	}
	if err := w.log.begin("setup"); err != nil {
		return nil, err
	}
	if err := w.makeDisks(); err != nil {
		return w, err
	}
	if err := w.makeMemory(); err != nil {
		return w, err
	}
	if err := w.makeCounterparts(ctx); err != nil {
		return w, err
	}
	environment := []string{"TAGWATCH_DATABASE_URL=" + w.database.URL("postgres"), "TAGWATCH_FEED_INTERVAL=24h", "TAGWATCH_REGISTRY_RATE=1000",
		"TAGWATCH_SOURCE_PATHS=" + w.dir,
		"TAGWATCH_FEED_URL=" + strings.Replace(w.feed.ListingURL(), w.feed.Host(), w.links[source].Host(), 1)}
	if use.temporalPostgres {
		environment = append(environment, "TAGWATCH_TEMPORAL_POSTGRES="+w.database.URL("temporal"))
	}
	// The workers that analyze are a process of their own, which can be stopped.
	var err error
	w.stack, err = stack.New(stack.Options{Bin: w.programs(), DataDir: filepath.Join(use.dir, "data"), Log: w.log,
		Env: append(environment, "TAGWATCH_SERVE=watching,matching,delivery")})
	if err != nil {
		return w, err
	}
	if w.links[temporal], err = lab.NewLink("tcp", w.stack.Temporal()); err != nil {
		return w, err
	}
	w.analysis = w.beside(build, analysis, "TAGWATCH_SERVE=analysis")
	return w, w.install()
}

// makeCounterparts starts what the workers speak to, and the links to it.
func (w *world) makeCounterparts(ctx context.Context) (err error) {
	if w.registry, err = lab.NewRegistry(); err != nil {
		return err
	}
	if w.receiver, err = lab.NewReceiver(); err != nil {
		return err
	}
	if w.feed, err = feed.New(); err != nil {
		return err
	}
	if w.cluster, err = lab.NewCluster(); err != nil {
		return err
	}
	w.ledger = newLedger(w.receiver)
	if w.database, err = postgres.New(ctx, filepath.Join(w.dir, "postgres"), w.log, postgres.Unsynced...); err != nil {
		return err
	}
	if err := w.database.Start(ctx); err != nil {
		return err
	}
	w.links = map[string]*lab.Link{}
	for name, address := range map[string]string{registry: w.registry.Host(), receiver: w.receiver.Host(), source: w.feed.Host(), cluster: w.cluster.Host()} {
		if w.links[name], err = lab.NewLink("tcp", address); err != nil {
			return err
		}
	}
	if w.links[database], err = lab.NewLink("unix", w.database.Socket()); err != nil {
		return err
	}
	w.links[database].Watch(w.cutter.spy)
	return nil
}

// databaseURL is the address of the database for workers.
func (w *world) databaseURL() string {
	return "postgres://tagwatch@" + w.links[database].Host() + "/postgres?sslmode=disable"
}

// temporary is the directory for temporary files of workers.
func (w *world) temporary() string { return filepath.Join(w.dir, "tmp") }

// directories are those that can be full, each within those before it or beside
// them.
func (w *world) directories() []struct{ name, path string } {
	return []struct{ name, path string }{
		{"data directory", filepath.Join(w.dir, "data")},
		{"layer store", filepath.Join(w.dir, analysis, "images")},
		{"temporary files", w.temporary()},
		{"vulnerability data", filepath.Join(w.dir, "data", "feed")},
	}
}

// makeDisks gives each directory a file system of its own.
func (w *world) makeDisks() error {
	for _, directory := range w.directories() {
		d, err := disk.Mount(directory.path)
		if errors.Is(err, fs.ErrPermission) {
			return os.MkdirAll(w.temporary(), 0o755)
		}
		if err != nil {
			return err
		}
		w.disks = append(w.disks, d)
	}
	return nil
}

// makeMemory makes a control group for each worker.
func (w *world) makeMemory() error {
	w.memory = map[string]*process.Memory{}
	for _, victim := range []string{worker, analysis} {
		group, err := process.NewMemory(fmt.Sprintf("%s-%s", filepath.Base(w.dir), victim))
		if err != nil {
			fmt.Fprintf(w.log, "chaos: %v\n", err)
			continue
		}
		w.memory[victim] = group
	}
	return nil
}

func (w *world) close() error {
	w.analysis.stop()
	var failures []error
	stopped := func(err error) { failures = append(failures, err) }
	if w.stack != nil {
		stopped(w.stack.Stop())
	}
	for _, link := range w.links {
		stopped(link.Close())
	}
	if w.database != nil {
		stopped(w.database.Stop())
	}
	if w.registry != nil && w.receiver != nil && w.feed != nil && w.cluster != nil {
		stopped(errors.Join(w.registry.Close(), w.feed.Close(), w.receiver.Close(), w.cluster.Close()))
	}
	for _, d := range slices.Backward(w.disks) {
		stopped(d.Close())
	}
	for _, group := range w.memory {
		stopped(group.Close())
	}
	return errors.Join(append(failures, w.log.Close())...)
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
	kubeconfig, err := w.deployFirst()
	if err != nil {
		return err
	}
	if err := w.stack.Start(ctx); err != nil {
		return err
	}
	w.analysis.start()
	for _, command := range [][]string{
		{"endpoint", "add", "receiver", "http://" + w.links[receiver].Host() + "/hook"},
		{"policy", "add", "--activate", w.bundle()},
		{"feed", "sync"},
		append([]string{"subscribe", "--wait", "--interval", interval.String()}, w.references()...),
		{"repository", "watch", "--list-interval", interval.String(), "--interval", interval.String(), w.reference(repository)},
		{"source", "add", "--list-interval", interval.String(), "--interval", interval.String(), "--type", strings.Join(brought, ","), cluster, "kubernetes", kubeconfig},
	} {
		if _, err := w.stack.Do(ctx, command...); err != nil {
			return err
		}
	}
	for _, reference := range append(w.references(), w.reference(repository+":0")) {
		w.ledger.expect(expectation{kind: "analysis_update", key: reference, causes: []string{"image"}})
	}
	if err := w.balance(ctx); err != nil {
		return err
	}
	w.ledger.counts() // those of the runs are printed
	fmt.Printf("%d tags watched, repository %s and %d deployments; Web UI: %s\n", len(w.references()), w.reference(repository), len(w.deployments.running), w.stack.UI)
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

func (w *world) reference(name string) string { return w.links[registry].Host() + "/" + name }

// aftermath changes everything once more, undisturbed, and waits for what should
// not come: what a fault leaves behind shows later.
func (w *world) aftermath(ctx context.Context) error {
	if err := w.log.begin("aftermath"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	calm := plan{data: 0, policy: 0, grow: make([]time.Duration, 1)}
	for n := range movers {
		calm.moves = append(calm.moves, movePlan{mover: n, flawed: n%2 == 0})
	}
	for _, kind := range rollouts {
		calm.rollouts = append(calm.rollouts, rolloutPlan{kind: kind, pods: 2})
	}
	if _, err := w.carryOut(ctx, calm); err != nil {
		return err
	}
	if err := w.balance(ctx); err != nil {
		return err
	}
	wait(ctx, time.Now(), 5*time.Second)
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
