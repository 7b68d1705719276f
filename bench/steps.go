package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/lab/process"
)

// watch starts everything and has all tags watched.
func (w *world) watch(ctx context.Context) error {
	if err := w.push(); err != nil {
		return err
	}
	if err := w.publish("Low"); err != nil {
		return err
	}
	if err := w.stack.Start(ctx); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"endpoint", "add", "receiver", w.receiver.URL() + "/hook"},
		{"policy", "add", "--activate", w.bundle("WARN")},
		{"feed", "sync"},
	} {
		if _, err := w.stack.Do(ctx, command...); err != nil {
			return err
		}
	}
	// The images that many tags share are analyzed before, so that watching is what
	// is measured, and not many tags that wait for one image.
	names := slices.Sorted(maps.Keys(w.repositories()))
	first := []string{"subscribe", "--wait", "--interval", "1m"}
	for _, name := range names {
		first = append(first, w.registry.Host()+"/"+name+":0")
	}
	if _, err := w.stack.Do(ctx, first...); err != nil {
		return err
	}
	watched := w.tags - w.copies()
	stop := w.people(ctx, w.registry.Host()+"/"+names[0]+":0")
	err := w.timed(fmt.Sprintf("watch %d tags of %d images", watched, w.images+len(names)-1), "", watched, func() error {
		for _, name := range names {
			if _, err := w.stack.Do(ctx, "repository", "watch", "--interval", "1m", "--list-interval", "1h", w.registry.Host()+"/"+name); err != nil {
				return err
			}
		}
		return w.notified(ctx, "analysis_update", watched)
	})
	if err = errors.Join(err, stop(), w.firstAttempts(ctx)); err != nil || !w.copied {
		return err
	}
	return w.copyTags(ctx)
}

// peoplePause is how often somebody asks while tags are set up.
const peoplePause = 10 * time.Second

// people ask for the status of a tag now and then, until stop is called.
func (w *world) people(ctx context.Context, ref string) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		longest := time.Duration(0)
		for rest(ctx, peoplePause) == nil {
			began := time.Now()
			if _, err := w.stack.Do(ctx, "status", ref); err != nil {
				if ctx.Err() == nil {
					ended <- err
					return
				}
				break
			}
			longest = max(longest, time.Since(began))
		}
		w.table.add("meanwhile: tagwatch status of a tag, at most", longest.Seconds(), "s", 1)
		ended <- nil
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

// firstAttempts is how long the notifications so far waited for their first attempt.
func (w *world) firstAttempts(ctx context.Context) error {
	db, err := w.open()
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT made - created FROM delivery JOIN attempt ON attempt.delivery = delivery.id WHERE number = 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	var waited []time.Duration
	for rows.Next() {
		var micros int64
		if err := rows.Scan(&micros); err != nil {
			return err
		}
		waited = append(waited, time.Duration(micros)*time.Microsecond)
	}
	slices.Sort(waited)
	w.table.add("meanwhile: notification to first attempt, p99", quantile(waited, 0.99).Seconds(), "s", 1)
	w.table.add("meanwhile: notification to first attempt, at most", quantile(waited, 1).Seconds(), "s", 5)
	return rows.Err()
}

// updateData moves to data that touch images, until all of it is notified.
func (w *world) updateData(ctx context.Context) error {
	if err := w.publish("High"); err != nil {
		return err
	}
	return w.travels(ctx, fmt.Sprintf("data that touch %d images, sent", w.images), "3s", "vuln_update", w.images, "feed", "sync")
}

// changePolicy turns the outcome of tags, until all of it is notified.
func (w *world) changePolicy(ctx context.Context) error {
	err := w.travels(ctx, fmt.Sprintf("policy that turns %d tags, sent", w.flips), "8s", "policy_eval", w.flips,
		"policy", "add", "--activate", w.bundle("STOP"))
	if err != nil {
		return err
	}
	return w.timed("policy that touches no tag", "1s", 1, func() error {
		_, err := w.stack.Do(ctx, "policy", "add", "--activate", w.bundle("STOP", untouched))
		return err
	})
}

// untouched is a mapping of a registry that no tag is of.
const untouched = `{"id": "elsewhere", "name": "elsewhere", "registry": "elsewhere.example.com", "repository": "*",
	"image": {"type": "tag", "value": "*"}, "policy_ids": ["turned"], "whitelist_ids": []},`

// travels runs a command that changes tags, and times how long it takes until so many
// notifications of a type have come. It counts the requests that registries get for
// that, while no tag is due to be polled, until all that is woken is at rest.
func (w *world) travels(ctx context.Context, name, budget, kind string, n int, command ...string) error {
	if err := w.quiet(ctx); err != nil {
		return err
	}
	w.registry.Forget()
	began, done := time.Now(), make(chan error, 1)
	go func() {
		_, err := w.stack.Do(ctx, command...)
		done <- err
	}()
	if err := w.timed(name, budget, n, func() error { return w.notified(ctx, kind, n) }); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	fmt.Printf("  watchers woken                             %6.1f s\n", time.Since(began).Seconds())
	if err := rest(ctx, settling); err != nil {
		return err
	}
	fmt.Printf("  requests to the registry                   %d (budget 0)\n", len(w.registry.Calls()))
	w.table.add(kind+": requests to the registry", float64(len(w.registry.Calls())), "requests", 0)
	return nil
}

// quiet has no tag polled for an hour, and waits until all that is under way is done.
func (w *world) quiet(ctx context.Context) error {
	db, err := w.open()
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "UPDATE target SET due = due + 3600000000"); err != nil {
		return err
	}
	return rest(ctx, settling)
}

// commands times what people type.
func (w *world) commands(ctx context.Context) error {
	for _, line := range []string{"status", "status -o json", "subscriptions", "notifications", "deliveries", "reconcile --dry-run"} {
		began := time.Now()
		if _, err := w.stack.Do(ctx, strings.Fields(line)...); err != nil {
			return err
		}
		fmt.Printf("%-44s %6.2f s\n", "tagwatch "+line, time.Since(began).Seconds())
		w.table.add("tagwatch "+line, time.Since(began).Seconds(), "s", 1)
	}
	return nil
}

// timed prints how long something takes, with the CPU time of each process.
func (w *world) timed(name, budget string, n int, do func() error) error {
	before, err := w.usage()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := w.usage()
	if err != nil {
		return err
	}
	limit := float64(noBudget)
	if most, err := time.ParseDuration(budget); err == nil {
		limit = most.Seconds()
	}
	w.table.add(name, took.Seconds(), "s", limit)
	w.table.add("  CPU of each", total(before, after).Seconds()*1000/float64(n), "ms", noBudget)
	if budget != "" {
		budget = " (budget " + budget + ")"
	}
	fmt.Printf("%-44s %6.1f s%s, %.1f a second; CPU seconds: %s\n", name, took.Seconds(), budget, float64(n)/took.Seconds(),
		each(before, after, func(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }))
	return nil
}

// total is the CPU time of all processes.
func total(before, after map[string]process.Usage) (sum time.Duration) {
	for program, used := range after {
		sum += used.CPU - before[program].CPU
	}
	return sum
}

// each is the CPU time of each process, and the sum.
func each(before, after map[string]process.Usage, say func(time.Duration) string) string {
	var parts []string
	var sum time.Duration
	for _, program := range programs {
		if used, runs := after[program]; runs {
			spent := used.CPU - before[program].CPU
			sum += spent
			parts = append(parts, program+" "+say(spent))
		}
	}
	return strings.Join(append(parts, "all "+say(sum)), ", ")
}

// bundle writes a policy that does this about the flaw of the tags to be turned.
func (w *world) bundle(action string, mappings ...string) string {
	path := filepath.Join(w.dir, "policy.json")
	content := strings.NewReplacer("ACTION", action, "MAPPINGS", strings.Join(mappings, "")).Replace(bundleText)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic(err) // a directory of our own
	}
	return path
}

const bundleText = `{
  "id": "bench", "version": "1_0", "name": "bench",
  "policies": [
    {"id": "none", "version": "1_0", "name": "none", "rules": []},
    {"id": "turned", "version": "1_0", "name": "turned", "rules": [
      {"id": "j", "gate": "vulnerabilities", "trigger": "package", "action": "ACTION", "params": [
        {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "medium"}]}]}],
  "whitelists": [],
  "mappings": [MAPPINGS
    {"id": "turned", "name": "turned", "registry": "*", "repository": "turned/app", "image": {"type": "tag", "value": "*"}, "policy_ids": ["turned"], "whitelist_ids": []},
    {"id": "all", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["none"], "whitelist_ids": []}],
  "whitelisted_images": [], "blacklisted_images": []
}
`
