// Tagwatch-bench measures an installation of thousands of tags: what polling
// costs each process, how late a check is, how long a change of data or policy
// takes to be notified, and the memory of each process. Everything runs on this
// machine: registry, vulnerability data and receiver are in this process and do
// not count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// size is how much there is to watch.
type size struct {
	tags   int // in all
	images int // of them each with an image of its own, which an update of the data touches
	flips  int // of them whose outcome a change of the policy turns
	copied bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var n size
	flag.IntVar(&n.tags, "tags", 10_000, "tags to watch")
	flag.IntVar(&n.images, "images", 300, "tags among them that an update of the data touches, each with its own image")
	flag.IntVar(&n.flips, "flips", 1000, "tags among them that a change of the policy turns")
	flag.BoolVar(&n.copied, "copied", false, "copy the ordinary tags in the database instead of watching one by one: for a machine that has other things to do")
	window := flag.Duration("window", 2*time.Minute, "how long polling is measured")
	sqlite := flag.Bool("sqlite", false, "keep everything in SQLite instead of PostgreSQL")
	soak := flag.Duration("soak", 0, "instead of measuring, let everything happen all the time for so long and look for what grows")
	only := flag.String("only", "", "some of the parts "+strings.Join(partNames(), ",")+"; watch is done for all but start")
	flag.Parse()
	selected, err := chosen(*only, partNames())
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tagwatch-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		return err
	}
	w, err := newWorld(ctx, filepath.Dir(program), dir, n, *sqlite)
	if err != nil {
		return err
	}
	defer w.close()
	if *soak > 0 {
		return w.soak(ctx, *soak)
	}
	return w.measure(ctx, *window, selected)
}

// part is one measurement.
type part struct {
	name string
	do   func(context.Context, *world, time.Duration) error
}

// parts are all measurements, in order. Those after watch need what it sets up.
var parts = []part{
	{"start", func(ctx context.Context, w *world, _ time.Duration) error { return w.start(ctx) }},
	{"watch", func(ctx context.Context, w *world, _ time.Duration) error { return w.watch(ctx) }},
	{"events", func(ctx context.Context, w *world, _ time.Duration) error { return w.count(ctx) }},
	{"poll", func(ctx context.Context, w *world, window time.Duration) error { return w.poll(ctx, window) }},
	{"memory", func(_ context.Context, w *world, _ time.Duration) error { return w.memory() }},
	{"data", func(ctx context.Context, w *world, _ time.Duration) error { return w.updateData(ctx) }},
	{"policy", func(ctx context.Context, w *world, _ time.Duration) error { return w.changePolicy(ctx) }},
	{"commands", func(ctx context.Context, w *world, _ time.Duration) error { return w.commands(ctx) }},
	{"source", func(ctx context.Context, w *world, _ time.Duration) error { return w.follow(ctx) }},
}

func partNames() []string {
	names := make([]string, len(parts))
	for i, each := range parts {
		names[i] = each.name
	}
	return names
}

// measure runs the selected parts one after the other, and prints what it has whatever
// becomes of them.
func (w *world) measure(ctx context.Context, window time.Duration, selected []string) error {
	before := work()
	var failures []error
	for _, each := range parts {
		sets := each.name == "watch" && !slices.Equal(selected, []string{"start"})
		if !sets && !slices.Contains(selected, each.name) || ctx.Err() != nil {
			continue
		}
		if err := each.do(ctx, w, window); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w\n%s", each.name, err, w.log.tail()))
			if each.name == "watch" {
				break // there is nothing to measure
			}
		}
	}
	w.table.print(os.Stdout)
	judge(os.Stdout, before, work())
	return errors.Join(append(failures, ctx.Err())...)
}
