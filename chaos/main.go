// Tagwatch-chaos breaks an installation at random moments while everything that
// it watches changes, and compares what the receiver got with a ledger of what
// was caused.
//
// One installation lives through all runs: Temporal, a worker and PostgreSQL as
// processes, which are killed; a registry, vulnerability data, a cluster and a
// receiver in this process, which go away and come back. Each run moves tags, changes
// vulnerability data, policies and deployments and lets a repository grow, each
// subject at most once, so that the notifications that must follow are known exactly.
package main

import (
	"context"
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	all := slices.Concat(victims, faults)
	runs := flag.Int("runs", 10, "how many runs")
	seed := flag.Int64("seed", time.Now().UnixNano()%1_000_000, "seed of the first run; the next have the numbers after it")
	shared := flag.Bool("temporal-postgres", false, "keep Temporal's data in PostgreSQL too, which is killed with them in it")
	chosen := flag.String("faults", strings.Join(all, ","), "what can happen, separated by commas")
	pause := flag.Duration("pause", 2*time.Minute, "how long a process stands still")
	flag.Parse()
	names := strings.Split(*chosen, ",")
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("unknown fault %q: expected %s", name, strings.Join(all, ", "))
		}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tagwatch-chaos-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		return err
	}
	began := time.Now()
	fmt.Printf("%d runs from seed %d, in %s\n", *runs, *seed, dir)
	if err := runAll(ctx, settings{filepath.Dir(program), dir, *shared, names, *pause}, *runs, *seed); err != nil {
		return fmt.Errorf("%w\nlogs and ledger are kept in %s", err, dir)
	}
	fmt.Printf("%d runs: every expected notification came in time, none with two ids, and nothing else (%s)\n", *runs, time.Since(began).Round(time.Second))
	return os.RemoveAll(dir)
}

func runAll(ctx context.Context, use settings, runs int, seed int64) (err error) {
	w, err := newWorld(ctx, use)
	if w != nil {
		defer func() {
			if closing := w.close(); err == nil {
				err = closing
			}
		}()
	}
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("before the first run: %w", err)
	}
	all := newSummary()
	defer func() { all.print(os.Stdout) }()
	for n := range runs {
		if err := w.once(ctx, n+1, runs, seed+int64(n), all); err != nil {
			return fmt.Errorf("run %d failed; replay it with: make chaos RUNS=1 SEED=%d ARGS='-faults %s -pause %s'\n%w",
				n+1, seed+int64(n), strings.Join(use.faults, ","), use.pause, err)
		}
	}
	if err := w.aftermath(ctx); err != nil {
		return fmt.Errorf("after the last run, without any fault: %w", err)
	}
	return nil
}
