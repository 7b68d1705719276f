package store

import (
	"context"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// coverageRow is what the current data has about a distribution.
type coverageRow struct {
	Distribution string
	Name         string
	State        string
	Reason       string
	EndOfLife    int64  `db:"end_of_life"`
	Changed      string // the data build that last brought another answer; "" for none
}

const coverageColumns = `distribution, name, state, reason, end_of_life, changed`

func (r coverageRow) coverage() vuln.Coverage {
	return vuln.Coverage{State: vuln.CoverageState(r.State), Distribution: r.Name, Reason: r.Reason, EndOfLife: timeOf(r.EndOfLife)}
}

// SaveDistribution stores which distribution the image is of.
func (s *Store) SaveDistribution(ctx context.Context, digest image.Digest, distribution vuln.Distribution) error {
	return s.change(ctx, "save the distribution of "+string(digest), func(t tx) error {
		return t.run(ctx, `UPDATE image SET distribution = ? WHERE digest = ? AND distribution <> ?`, string(distribution), string(digest), string(distribution))
	})
}

// Distributions are those of all images.
func (s *Store) Distributions(ctx context.Context) (distributions []vuln.Distribution, err error) {
	err = s.view(ctx, "list distributions", func(t tx) error {
		distributions, err = t.distributions(ctx)
		return err
	})
	return distributions, err
}

func (t tx) distributions(ctx context.Context) ([]vuln.Distribution, error) {
	return all[vuln.Distribution](ctx, t, `SELECT DISTINCT distribution FROM image WHERE distribution <> '' ORDER BY distribution`)
}

// NotLookedUp is the image's distribution if it is not known whether the current
// data covers it; otherwise empty.
func (s *Store) NotLookedUp(ctx context.Context, digest image.Digest) (distribution vuln.Distribution, err error) {
	err = s.view(ctx, "read the distribution of "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		_, known, err := t.coverage(ctx, row.Distribution)
		if !known {
			distribution = vuln.Distribution(row.Distribution)
		}
		return err
	})
	return distribution, err
}

// coverage is not known of a distribution that was not looked up in the current
// data.
func (t tx) coverage(ctx context.Context, distribution string) (vuln.Coverage, bool, error) {
	row, known, err := first[coverageRow](ctx, t, `SELECT `+coverageColumns+` FROM coverage WHERE distribution = ?`, distribution)
	return row.coverage(), known, err
}

// SaveCoverage stores what a build has about distributions; errkind.Conflict
// if it is not the current one any more.
func (s *Store) SaveCoverage(ctx context.Context, build string, found map[vuln.Distribution]vuln.Coverage) error {
	return s.change(ctx, "save coverage", func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		if current.Build != build {
			return fmt.Errorf("the distributions were looked up in build %s, now %s is current: %w", build, current.Build, errkind.Conflict)
		}
		return t.insertCoverage(ctx, found, nil, "")
	})
}

// moveCoverage replaces what is known of all distributions by what the new
// build has about them; errkind.Conflict if an image of another one came in
// meanwhile.
func (t tx) moveCoverage(ctx context.Context, a databuild.Advance) error {
	distributions, err := t.distributions(ctx)
	if err != nil {
		return err
	}
	for _, each := range distributions {
		if _, found := a.Coverage[each]; !found {
			return fmt.Errorf("an image of another distribution came in meanwhile: %w", errkind.Conflict)
		}
	}
	rows, err := all[coverageRow](ctx, t, `SELECT `+coverageColumns+` FROM coverage`)
	if err != nil {
		return err
	}
	before := make(map[vuln.Distribution]coverageRow, len(rows))
	for _, row := range rows {
		before[vuln.Distribution(row.Distribution)] = row
	}
	if err := t.run(ctx, `DELETE FROM coverage`); err != nil {
		return err
	}
	return t.insertCoverage(ctx, a.Coverage, before, a.To)
}

// insertCoverage notes the build with distributions of which it says
// something else than was known before.
func (t tx) insertCoverage(ctx context.Context, found map[vuln.Distribution]vuln.Coverage, before map[vuln.Distribution]coverageRow, build string) error {
	rows := make([][]any, 0, len(found))
	for distribution, now := range found {
		known, old := before[distribution]
		changed := known.Changed
		if old && known.coverage() != now {
			changed = build
		}
		rows = append(rows, []any{string(distribution), now.Distribution, string(now.State), now.Reason, toMicros(now.EndOfLife), changed})
	}
	return t.insert(ctx, `coverage (`+coverageColumns+`)`, rows, `ON CONFLICT (distribution) DO UPDATE
		SET name = excluded.name, state = excluded.state, reason = excluded.reason, end_of_life = excluded.end_of_life`)
}

// NotCovered lists the targets whose analyzed images are of a distribution that
// the current data does not cover, by target.
func (s *Store) NotCovered(ctx context.Context) (targets []image.Target, err error) {
	err = s.view(ctx, "list targets that are not covered", func(t tx) error {
		targets, err = t.targets(ctx, `SELECT target FROM target_state WHERE coverage = ? ORDER BY target`, string(vuln.NotCovered))
		return err
	})
	return targets, err
}
