package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/glebarez/go-sqlite"
	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/lab"
)

// settling is how long polling runs before it is measured.
const settling = 20 * time.Second

// poll measures what checking every tag each minute costs at rest.
func (w *world) poll(ctx context.Context, window time.Duration) error {
	if err := rest(ctx, settling); err != nil {
		return err
	}
	due, err := w.due(ctx)
	if err != nil {
		return err
	}
	w.registry.Forget()
	before, err := w.usage()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := rest(ctx, window); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := w.usage()
	if err != nil {
		return err
	}
	calls := w.registry.Calls()
	var checks []lab.Call
	for _, call := range calls {
		if call.Kind == lab.KindManifest && call.Method == http.MethodHead {
			checks = append(checks, call)
		}
	}
	fmt.Printf("polling %d tags each minute                  %d looks in %.0f s, %.3f requests a check (budget 1.01)\n",
		w.tags, len(checks), took.Seconds(), float64(len(calls))/float64(max(len(checks), 1)))
	fmt.Printf("  CPU of a check                              %s\n", each(before, after, func(d time.Duration) string {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1000/float64(max(len(checks), 1)))
	}))
	cores := 0.08 * float64(w.tags) / 10_000
	fmt.Printf("  cores                                      %s (budget %.2f)\n", each(before, after, func(d time.Duration) string {
		return fmt.Sprintf("%.3f", d.Seconds()/took.Seconds())
	}), cores)
	spent := total(before, after)
	w.table.add("poll: requests a check", float64(len(calls))/float64(max(len(checks), 1)), "requests", 1.005)
	w.table.add("poll: CPU of a check", spent.Seconds()*1000/float64(max(len(checks), 1)), "ms", noBudget)
	w.table.add("poll: cores", spent.Seconds()/took.Seconds(), "cores", cores)
	late := lateness(due, checks, w.registry.Host())
	fmt.Printf("  from due to done                           p50 %.2f s, p99 %.2f s, of %d\n",
		quantile(late, 0.5).Seconds(), quantile(late, 0.99).Seconds(), len(late))
	w.table.add("poll: from due to done, p99", quantile(late, 0.99).Seconds(), "s", 2)
	return nil
}

// open opens the installation's database.
func (w *world) open() (*sql.DB, error) {
	if w.database != nil {
		return sql.Open("postgres", w.database.URL("postgres"))
	}
	return sql.Open("sqlite", "file:"+filepath.Join(w.stack.DataDir(), "tagwatch.db"))
}

// due is when each tag is to be checked next.
func (w *world) due(ctx context.Context) (map[string]time.Time, error) {
	db, err := w.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT name, due FROM target")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	due := map[string]time.Time{}
	for rows.Next() {
		var name string
		var at int64
		if err := rows.Scan(&name, &at); err != nil {
			return nil, err
		}
		due[name] = time.UnixMicro(at)
	}
	return due, rows.Err()
}

// lateness is, for the first check each tag, how long after its time it was.
func lateness(due map[string]time.Time, checks []lab.Call, host string) []time.Duration {
	var late []time.Duration
	for _, check := range checks {
		name := host + "/" + check.Repository + ":" + check.Reference
		if at, first := due[name]; first {
			late = append(late, check.At.Sub(at))
			delete(due, name)
		}
	}
	slices.Sort(late)
	return late
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// memory prints what each process holds.
func (w *world) memory() error {
	used, err := w.usage()
	if err != nil {
		return err
	}
	budgets := map[string]float64{worker: 250, temporal: 300, database: noBudget}
	for _, program := range programs {
		u, runs := used[program]
		if !runs {
			continue
		}
		w.table.add("memory of "+program, float64(u.Resident)/(1<<20), "MiB", budgets[program])
		fmt.Printf("memory of %-34s %d MiB", program, u.Resident>>20)
		if u.Peak > 0 {
			fmt.Printf(", at most %d so far", u.Peak>>20)
		}
		fmt.Println()
	}
	return nil
}

func rest(ctx context.Context, so time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(so):
		return nil
	}
}
