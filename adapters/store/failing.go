package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/watch"
)

type failingRow struct {
	Kind, Name, Trouble string
}

func (r failingRow) failing() (watch.Failing, error) {
	problem, err := parseOptional[watch.Problem](r.Trouble)
	return watch.Failing{Kind: watch.WatcherKind(r.Kind), Name: r.Name, Problem: problem}, err
}

// Failing lists whose steps keep failing.
func (s *Store) Failing(ctx context.Context) (list []watch.Failing, err error) {
	err = s.view(ctx, "list failing steps", func(t tx) error {
		rows, err := all[failingRow](ctx, t, `SELECT kind, name, trouble FROM failing_step ORDER BY kind, name`)
		if err != nil {
			return err
		}
		list, err = convert(rows, failingRow.failing)
		return err
	})
	return list, err
}

// FailingStep is what keeps failing of one; nil if nothing does.
func (s *Store) FailingStep(ctx context.Context, kind watch.WatcherKind, name string) (problem *watch.Problem, err error) {
	err = s.view(ctx, "read the failing step of "+name, func(t tx) error {
		text, _, err := first[string](ctx, t, `SELECT trouble FROM failing_step WHERE kind = ? AND name = ?`, string(kind), name)
		if err != nil {
			return err
		}
		problem, err = parseOptional[watch.Problem](text)
		return err
	})
	return problem, err
}

// NoteFailing keeps what keeps failing, or that it does not any more.
func (s *Store) NoteFailing(ctx context.Context, f watch.Failing) error {
	return s.change(ctx, "note the failing step of "+f.Name, func(t tx) error {
		if f.Problem == nil {
			return t.forgetFailing(ctx, f.Kind, f.Name)
		}
		text, err := formatOptional(f.Problem)
		if err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO failing_step (kind, name, trouble) VALUES (?, ?, ?)
			ON CONFLICT (kind, name) DO UPDATE SET trouble = excluded.trouble`, string(f.Kind), f.Name, text)
	})
}

// forgetFailing removes what is noted of one, as when nobody follows it any more.
func (t tx) forgetFailing(ctx context.Context, kind watch.WatcherKind, name string) error {
	return t.run(ctx, `DELETE FROM failing_step WHERE kind = ? AND name = ?`, string(kind), name)
}
