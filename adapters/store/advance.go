package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Advance replaces the findings of the groups that are staged for the build
// and makes it and the matcher the current ones, in one transaction. From then on
// all stored findings of the matcher are valid for the build; those of
// another matcher are not valid, and their groups count as unmatched.
//
// errkind.Conflict, and nothing is stored, if From and FromEngine are not the
// current ones any more, or if findings were stored of groups behind the
// watermark that are not staged: the update has not checked them. Check, move
// the watermark and try again. So it is for images of a distribution that is not in
// Coverage.
func (s *Store) Advance(ctx context.Context, a databuild.Advance, now time.Time) (moved databuild.Moved, err error) {
	err = s.change(ctx, "advance to build "+a.To, func(t tx) error {
		if err := t.admit(ctx, a); err != nil {
			return err
		}
		if a.From != a.To {
			if err := t.run(ctx, `DELETE FROM group_change WHERE build <> ?`, a.From); err != nil {
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
		if err := t.moveFeed(ctx, a); err != nil {
			return err
		}
		before, after := map[string]string{}, map[string]string{"build": a.To}
		if a.From != "" { // else it is the first one
			before["build"] = a.From
		}
		if a.Leave != "" {
			after[string(a.Leave)] = a.From
		}
		return t.note(ctx, now, audit.Change{Action: a.Action, Subject: "feed", Before: audit.Plain(before), After: audit.Plain(after)})
	})
	return moved, err
}

// admit refuses an update that was made from what is not there any more.
func (t tx) admit(ctx context.Context, a databuild.Advance) error {
	current, err := t.holdFeed(ctx)
	if err != nil {
		return err
	}
	if current.Build != a.From {
		return fmt.Errorf("the update starts from build %q, but %q is current: %w", a.From, current.Build, errkind.Conflict)
	}
	if current.Matcher != string(a.FromEngine) {
		return fmt.Errorf("the update starts from findings of %q, but those of %q are current: %w", a.FromEngine, current.Matcher, errkind.Conflict)
	}
	_, found, err := t.build(ctx, a.To)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the build was not saved: %w", errkind.NotFound)
	}
	if current.Matcher != string(a.Matcher) {
		return t.invalidate(ctx, a.Matcher)
	}
	return t.covered(ctx, a)
}

// invalidate prepares the return of a matcher that was current before: what it
// found then is out of date.
func (t tx) invalidate(ctx context.Context, matcher vuln.Matcher) error {
	return t.run(ctx, `UPDATE group_match SET matcher = '' WHERE matcher = ?`, string(matcher))
}

// covered refuses an update that has not checked all groups with findings.
func (t tx) covered(ctx context.Context, a databuild.Advance) error {
	missed, err := one[int](ctx, t, `SELECT COUNT(*) FROM group_match m WHERE m.group_id > ? AND m.matcher = ? AND NOT EXISTS (
		SELECT 1 FROM staged_group s WHERE s.group_id = m.group_id AND s.build = ? AND s.matcher = ?)`,
		a.Watermark, string(a.Matcher), a.To, string(a.Matcher))
	if err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d packages were matched meanwhile that the update did not check: %w", missed, errkind.Conflict)
	}
	return nil
}

// moveFeed makes To the current build and forgets the ones that nobody will
// ask for: all but the new one, the one before it and those that were rejected,
// which must not come back.
func (t tx) moveFeed(ctx context.Context, a databuild.Advance) error {
	if err := t.run(ctx, `UPDATE feed SET build = ?, matcher = ?`, a.To, string(a.Matcher)); err != nil {
		return err
	}
	if a.From == a.To {
		return nil
	}
	left := cmp.Or(a.Leave, databuild.Previous)
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{`DELETE FROM data_build WHERE checksum NOT IN (?, ?) AND state <> ?`, []any{a.From, a.To, string(databuild.Rejected)}},
		{`UPDATE data_build SET state = ? WHERE checksum = ?`, []any{string(left), a.From}},
		{`UPDATE data_build SET state = ? WHERE checksum = ?`, []any{string(databuild.Current), a.To}},
		{`UPDATE data_build SET held = 0, reasons = 'null' WHERE held <> 0`, nil},
		{`DELETE FROM condition WHERE kind = ?`, []any{string(condition.OnHold)}},
		{`DELETE FROM feed_sums WHERE build NOT IN (?, ?)`, []any{a.From, a.To}},
	} {
		if err := t.run(ctx, step.statement, step.args...); err != nil {
			return err
		}
	}
	return nil
}

func (t tx) noteChanges(ctx context.Context, build string, groups []int64) error {
	rows := make([][]any, len(groups))
	for i, id := range groups {
		rows[i] = []any{build, id}
	}
	return t.insert(ctx, `group_change (build, group_id)`, rows, `ON CONFLICT DO NOTHING`)
}
