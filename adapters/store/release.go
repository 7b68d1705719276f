package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// bringer is a watched repository or a source: the column of the subscriptions that it
// brings, and its name there.
type bringer struct{ column, name string }

func bringingRepository(name image.Repository) bringer { return bringer{"repository", name.String()} }

func bringingSource(name string) bringer { return bringer{"source", name} }

// release ends the subscriptions of targets that the bringer brought. Those of a target that
// another source brings too become that one's, which makes them its own at its next listing.
func (t tx) release(ctx context.Context, targets []image.Target, by bringer, now time.Time) error {
	if err := t.lock(ctx, targets); err != nil {
		return err
	}
	rows, err := allIn[struct{ Target, Source string }](ctx, t, `SELECT target, min(source) AS source FROM source_member
		WHERE source <> ? AND target IN (?) GROUP BY target`, namesOf(targets), by.name)
	if err != nil {
		return err
	}
	heirs, inherited := map[string][]string{}, map[string]bool{}
	for _, row := range rows {
		heirs[row.Source], inherited[row.Target] = append(heirs[row.Source], row.Target), true
	}
	for _, heir := range slices.Sorted(maps.Keys(heirs)) {
		if err := t.handOver(ctx, heirs[heir], by, heir, now); err != nil {
			return err
		}
	}
	ended := slices.DeleteFunc(slices.Clone(targets), func(target image.Target) bool { return inherited[target.String()] })
	if err := runIn(ctx, t, `UPDATE subscription SET active = FALSE, updated = ? WHERE active AND `+by.column+` = ? AND target IN (?)`,
		namesOf(ended), toMicros(now), by.name); err != nil {
		return err
	}
	_, err = t.forgetUnwatched(ctx, ended...)
	return err
}

func (t tx) handOver(ctx context.Context, targets []string, by bringer, heir string, now time.Time) error {
	if err := runIn(ctx, t, `UPDATE subscription SET repository = '', source = ?, updated = ? WHERE active AND `+by.column+` = ? AND target IN (?)`,
		targets, heir, toMicros(now), by.name); err != nil {
		return err
	}
	return runIn(ctx, t, `UPDATE source_member SET settings = '' WHERE source = ? AND target IN (?)`, targets, heir)
}
