package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Advance replaces the findings of the groups that are staged for the generation
// and makes it and the engine the current ones, in one transaction. From then on
// all stored findings of the engine are valid for the generation; those of
// another engine are not valid, and their groups count as unmatched.
//
// fault.Conflict, and nothing is stored, if From and FromEngine are not the
// current ones any more, or if findings were stored of groups behind the
// watermark that are not staged: the update has not looked at them. Look, move
// the watermark and try again. So it is for images of a distribution that is not in
// Coverage.
func (s *Store) Advance(ctx context.Context, a watch.Advance, now time.Time) (moved watch.Moved, err error) {
	err = s.change(ctx, "advance to generation "+a.To, func(t tx) error {
		if err := t.admit(ctx, a); err != nil {
			return err
		}
		if a.From != a.To {
			if err := t.run(ctx, `DELETE FROM group_change WHERE generation <> ?`, a.From); err != nil {
				return err
			}
		}
		if moved, err = t.applyStaged(ctx, a, now); err != nil {
			return err
		}
		if err := t.moveScores(ctx, a); err != nil {
			return err
		}
		if err := t.run(ctx, `DELETE FROM staged_group`); err != nil {
			return err
		}
		if err := t.moveCoverage(ctx, a); err != nil {
			return err
		}
		return t.moveFeed(ctx, a)
	})
	return moved, err
}

// admit refuses an update that was made from what is not there any more.
func (t tx) admit(ctx context.Context, a watch.Advance) error {
	current, err := t.holdFeed(ctx)
	if err != nil {
		return err
	}
	if current.Generation != a.From {
		return fmt.Errorf("the update starts from generation %q, but %q is current: %w", a.From, current.Generation, fault.Conflict)
	}
	if current.Engine != string(a.FromEngine) {
		return fmt.Errorf("the update starts from findings of %q, but those of %q are current: %w", a.FromEngine, current.Engine, fault.Conflict)
	}
	_, found, err := t.generation(ctx, a.To)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the generation was not saved: %w", fault.NotFound)
	}
	if current.Engine != string(a.Engine) {
		return t.invalidate(ctx, a.Engine)
	}
	return t.covered(ctx, a)
}

// invalidate prepares the return of an engine that was current before: what it
// found then is out of date.
func (t tx) invalidate(ctx context.Context, engine vuln.Engine) error {
	return t.run(ctx, `UPDATE group_match SET engine = '' WHERE engine = ?`, string(engine))
}

// covered refuses an update that has not looked at all groups with findings.
func (t tx) covered(ctx context.Context, a watch.Advance) error {
	missed, err := one[int](ctx, t, `SELECT COUNT(*) FROM group_match m WHERE m.group_id > ? AND m.engine = ? AND NOT EXISTS (
		SELECT 1 FROM staged_group s WHERE s.group_id = m.group_id AND s.generation = ? AND s.engine = ?)`,
		a.Watermark, string(a.Engine), a.To, string(a.Engine))
	if err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d packages were matched meanwhile that the update did not look at: %w", missed, fault.Conflict)
	}
	return nil
}

// moveFeed makes To the current generation and forgets the ones that nobody will
// ask for: all but the new one, the one before it and those that were rejected,
// which must not come back.
func (t tx) moveFeed(ctx context.Context, a watch.Advance) error {
	if err := t.run(ctx, `UPDATE feed SET generation = ?, engine = ?`, a.To, string(a.Engine)); err != nil {
		return err
	}
	if a.From == a.To {
		return nil
	}
	left := cmp.Or(a.Leave, watch.Previous)
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{`DELETE FROM feed_generation WHERE checksum NOT IN (?, ?) AND state <> ?`, []any{a.From, a.To, string(watch.Rejected)}},
		{`UPDATE feed_generation SET state = ? WHERE checksum = ?`, []any{string(left), a.From}},
		{`UPDATE feed_generation SET state = ? WHERE checksum = ?`, []any{string(watch.Current), a.To}},
		{`UPDATE feed_generation SET held = 0, reasons = 'null' WHERE held <> 0`, nil},
		{`DELETE FROM feed_sums WHERE generation NOT IN (?, ?)`, []any{a.From, a.To}},
	} {
		if err := t.run(ctx, step.statement, step.args...); err != nil {
			return err
		}
	}
	return nil
}

func (t tx) noteChanges(ctx context.Context, generation string, groups []int64) error {
	rows := make([][]any, len(groups))
	for i, id := range groups {
		rows[i] = []any{generation, id}
	}
	return t.insert(ctx, `group_change (generation, group_id)`, rows, `ON CONFLICT DO NOTHING`)
}
