package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Advance replaces the findings of the groups that were matched again and makes
// the generation and the engine the current ones, in one transaction, and
// returns about how many groups there is news. From then on all stored findings
// of the engine are valid for the generation; those of another engine are not
// valid, and their groups count as unmatched.
//
// fault.Conflict, and nothing is stored, if From is not the current generation
// any more, or if findings were stored of groups behind the watermark that are
// not among those found: the update has not looked at them. Look, move the
// watermark and try again.
func (s *Store) Advance(ctx context.Context, a watch.Advance, now time.Time) (changed int, err error) {
	err = s.change(ctx, "advance to generation "+a.To, func(t tx) error {
		if err := t.admit(ctx, a); err != nil {
			return err
		}
		matched, err := t.matchedGroups(ctx, sortedIDs(a.Found))
		if err != nil {
			return err
		}
		news, err := t.replaceFindings(ctx, a.Found, now)
		if err != nil {
			return err
		}
		// A group that was never matched is new to the store, not changed by the data.
		news = slices.DeleteFunc(news, func(id int64) bool { _, known := matched[id]; return !known })
		changed = len(news)
		if err := t.markMatched(ctx, sortedIDs(a.Found), a.To, a.Engine); err != nil {
			return err
		}
		if err := t.moveFeed(ctx, a); err != nil {
			return err
		}
		return t.noteChanges(ctx, a.To, news)
	})
	return changed, err
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
	ids, err := all[int64](ctx, t, `SELECT group_id FROM group_match WHERE group_id > ? AND engine = ?`, a.Watermark, string(a.Engine))
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool { _, found := a.Found[id]; return found })
	if len(ids) > 0 {
		return fmt.Errorf("%d packages were matched meanwhile that the update did not look at: %w", len(ids), fault.Conflict)
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
	left := watch.Previous
	if a.Reject {
		left = watch.Rejected
	}
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{`DELETE FROM feed_generation WHERE checksum NOT IN (?, ?) AND state <> ?`, []any{a.From, a.To, string(watch.Rejected)}},
		{`UPDATE feed_generation SET state = ? WHERE checksum = ?`, []any{string(left), a.From}},
		{`UPDATE feed_generation SET state = ?, reasons = 'null' WHERE checksum = ?`, []any{string(watch.Current), a.To}},
		{`DELETE FROM feed_sums WHERE generation NOT IN (?, ?)`, []any{a.From, a.To}},
		{`DELETE FROM group_change WHERE generation <> ?`, []any{a.From}},
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
