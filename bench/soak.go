package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// The rhythm of a soak: everything that happens within hours happens within
// seconds.
const (
	tagMoves      = 4 * time.Second
	dataChanges   = 20 * time.Second
	policyTurns   = 15 * time.Second
	comparisons   = 30 * time.Second
	samples       = 10 * time.Second
	fewestSamples = 9
	hotTagChecks  = 300 * time.Millisecond // until its history is handed over
	warmUpShare   = 3                      // the first third is not compared
	historyBound  = 5000                   // events; Temporal suggests to continue as new at 4096
)

// happened counts what a soak did.
type happened struct{ moves, data, policies, comparisons, rescans int }

// soak has tags move, data and policies change and a tag checked without end,
// and compares what the processes hold after the warm-up with the end.
func (w *world) soak(ctx context.Context, so time.Duration) error {
	if err := w.watch(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, w.log.tail())
	}
	bounded, cancel := context.WithTimeout(ctx, so)
	defer cancel()
	did, failed := happened{}, make(chan error, 5)
	for _, action := range []struct {
		every time.Duration
		count *int
		do    func(context.Context, int) error
	}{
		{tagMoves, &did.moves, w.soakMove}, {dataChanges, &did.data, w.soakData}, {policyTurns, &did.policies, w.soakPolicy},
		{comparisons, &did.comparisons, w.soakReconcile}, {hotTagChecks, &did.rescans, w.soakRescan},
	} {
		go func() { failed <- repeat(bounded, action.every, action.count, action.do) }()
	}
	taken, err := w.sampleAll(bounded)
	for range cap(failed) {
		err = errors.Join(err, <-failed)
	}
	if err == nil && len(taken) < fewestSamples {
		err = fmt.Errorf("%s is too short: it takes at least %s", so, fewestSamples*samples)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, w.log.tail())
	}
	return w.soaked(ctx, so, did, taken)
}

// repeat does something again and again until the context ends.
func repeat(ctx context.Context, every time.Duration, count *int, do func(context.Context, int) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := do(ctx, n); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		*count++
	}
}

func (w *world) soakMove(_ context.Context, n int) error {
	tag := fmt.Sprintf("%s:%d", touched, n%w.images)
	_, err := w.registry.Push(tag, must(lab.NewImage(lab.Debian(lab.Deb{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Source: "zlib"}),
		lab.Labels(map[string]string{"org.opencontainers.image.revision": fmt.Sprint("soak ", n)}))))
	return err
}

func (w *world) soakData(ctx context.Context, n int) error {
	if err := w.publish([]string{"High", "Low"}[n%2]); err != nil {
		return err
	}
	_, err := w.stack.Do(ctx, "feed", "sync")
	return err
}

func (w *world) soakPolicy(ctx context.Context, n int) error {
	_, err := w.stack.Do(ctx, "policy", "add", "--activate", w.bundle([]string{"STOP", "WARN"}[n%2]))
	return err
}

func (w *world) soakReconcile(ctx context.Context, _ int) error {
	_, err := w.stack.Do(ctx, "reconcile")
	return err
}

func (w *world) soakRescan(ctx context.Context, _ int) error {
	_, err := w.stack.Do(ctx, "rescan", w.registry.Host()+"/"+turned+":0")
	w.registry.Forget()
	w.receiver.Forget()
	return err
}

// sampleAll samples until the context ends.
func (w *world) sampleAll(ctx context.Context) ([]sample, error) {
	var taken []sample
	for {
		if rest(ctx, samples) != nil {
			return taken, nil
		}
		one, err := w.sample()
		if err != nil {
			return taken, err
		}
		taken = append(taken, one)
	}
}

// soaked prints the bounds and what was measured, and fails if one is exceeded.
func (w *world) soaked(ctx context.Context, so time.Duration, did happened, taken []sample) error {
	// Six hours of a tag are 72 checks and 6 passes at the default intervals.
	checks := w.tags * int(so/(30*time.Second))
	fmt.Printf("soak of %s: %d tags, about %d checks (six hours of %d tags), %d passes of one tag, %d moves, %d data, %d policies, %d comparisons\n",
		so, w.tags, checks, checks/72, did.rescans, did.moves, did.data, did.policies, did.comparisons)
	warm, end := taken[len(taken)/warmUpShare:len(taken)/warmUpShare+3], taken[max(0, len(taken)-3):]
	var exceeded []string
	for _, bound := range []struct {
		name  string
		of    func(sample) int64
		extra int64 // beyond a fifth
	}{
		{"worker: memory, MiB", func(s sample) int64 { return s.memory[worker] >> 20 }, 40},
		{"worker: goroutines", func(s sample) int64 { return s.goroutines }, 50},
		{"worker: open files", func(s sample) int64 { return int64(s.files[worker]) }, 20},
		{"Temporal: memory, MiB", func(s sample) int64 { return s.memory[temporal] >> 20 }, 40},
		{"Temporal: open files", func(s sample) int64 { return int64(s.files[temporal]) }, 20},
		{"files in scratch", func(s sample) int64 { return s.scratch }, 20},
	} {
		before, after := median(warm, bound.of), median(end, bound.of)
		limit := before + before/5 + bound.extra
		fmt.Printf("  %-26s %6d after the warm-up, %6d at the end (bound %d)\n", bound.name, before, after, limit)
		if after > limit {
			exceeded = append(exceeded, bound.name)
		}
	}
	longest, handed, err := w.histories(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("  %-26s %6d events (bound %d), %d runs continued as new\n", "longest history", longest, historyBound, handed)
	if longest > historyBound || handed == 0 {
		exceeded = append(exceeded, "history")
	}
	if exceeded != nil {
		return fmt.Errorf("beyond the bounds: %s", strings.Join(exceeded, ", "))
	}
	return nil
}

func median(of []sample, value func(sample) int64) int64 {
	values := make([]int64, len(of))
	for i, s := range of {
		values[i] = value(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
