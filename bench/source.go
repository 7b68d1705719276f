package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/lab/process"
)

// sourced is the repository whose tags a source names.
const sourced = "sourced/app"

// sources is the folder of the lists that workers may read.
func (w *world) sources() string { return filepath.Join(w.dir, "sources") }

// follow has a list bring as many tags as are watched in all, and has it read again.
func (w *world) follow(ctx context.Context) error {
	if _, err := w.registry.Push(sourced+":0", must(imageOf(sourced, 0))); err != nil {
		return err
	}
	var list strings.Builder
	for n := range w.tags {
		if err := w.registry.Tag(sourced+":0", strconv.Itoa(n)); err != nil {
			return err
		}
		fmt.Fprintf(&list, "%s/%s:%d\n", w.registry.Host(), sourced, n)
	}
	path := filepath.Join(w.sources(), "images.txt")
	if err := os.MkdirAll(w.sources(), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(list.String()), 0o644); err != nil {
		return err
	}
	err := w.timed(fmt.Sprintf("source of %d tags, watched", w.tags), "120s", w.tags, func() error {
		if _, err := w.stack.Do(ctx, "source", "add", "bench", "file", path, "--interval", "1h", "--max-tags", strconv.Itoa(w.tags), "--list-interval", "24h"); err != nil {
			return err
		}
		return w.notified(ctx, "analysis_update", w.tags)
	})
	if err != nil {
		return err
	}
	return w.readAgain(ctx)
}

// readAgain measures a reading of the source that finds nothing new, less what the
// installation uses in as long a time without one.
func (w *world) readAgain(ctx context.Context) error {
	if err := w.quiet(ctx); err != nil {
		return err
	}
	var used [3]map[string]process.Usage
	for i := range used {
		var err error
		if used[i], err = w.usage(); err != nil {
			return err
		}
		if i == 1 {
			if _, err := w.stack.Do(ctx, "source", "update", "bench", "--list-interval", "23h"); err != nil {
				return err
			}
		}
		if err := rest(ctx, settling); err != nil {
			return err
		}
	}
	say := func(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }
	fmt.Printf("source read again                            CPU seconds: %s; without: %s\n", each(used[1], used[2], say), each(used[0], used[1], say))
	w.table.add("source read again: CPU of all processes", (total(used[1], used[2]) - total(used[0], used[1])).Seconds(), "s", 2)
	return nil
}
