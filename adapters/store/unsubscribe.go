package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Unsubscribe deactivates the target's subscriptions of those types, of all
// types if none is given, and reports how many active ones are left. With the last
// of them the target's state goes: a later subscription starts from scratch.
// errkind.NotFound if none of them was active.
func (s *Store) Unsubscribe(ctx context.Context, target image.Target, types []notification.Type, now time.Time) (left int, err error) {
	doing := "unsubscribe " + target.String()
	err = s.change(ctx, doing, func(t tx) error {
		found, err := t.unsubscribe(ctx, []subscription.End{{Target: target, Types: types}}, now)
		if err != nil {
			return err
		}
		var ended bool
		if left, ended = found[target.String()]; !ended {
			return fmt.Errorf("not subscribed to %s: %w", describe(types), errkind.NotFound)
		}
		return nil
	})
	return left, err
}

// UnsubscribeAll is Unsubscribe for several targets, each named once, in one transaction.
// Targets without such a subscription are left out.
func (s *Store) UnsubscribeAll(ctx context.Context, ends []subscription.End, now time.Time) error {
	return s.change(ctx, fmt.Sprintf("unsubscribe %d tags", len(ends)), func(t tx) error {
		_, err := t.unsubscribe(ctx, ends, now)
		return err
	})
}

// unsubscribe reports how many active subscriptions are left of each target of which some
// ended, by its name.
func (t tx) unsubscribe(ctx context.Context, ends []subscription.End, now time.Time) (left map[string]int, err error) {
	targets := make([]image.Target, len(ends))
	for i, end := range ends {
		targets[i] = end.Target
	}
	if err := t.lock(ctx, targets); err != nil {
		return nil, err
	}
	err = t.noteSubscriptions(ctx, targets, now, func() error {
		var ended []image.Target
		err := t.notingDockerfiles(ctx, targets, now, func() (err error) {
			ended, err = t.deactivate(ctx, ends, now)
			return err
		})
		if err != nil {
			return err
		}
		if err := t.disownTags(ctx, ended); err != nil {
			return err
		}
		if left, err = t.forgetUnwatched(ctx, ended...); err != nil {
			return err
		}
		gone := slices.DeleteFunc(namesOf(ended), func(name string) bool { return left[name] > 0 })
		return runIn(ctx, t, `DELETE FROM archived WHERE target IN (?)`, gone)
	})
	return left, err
}

// lock has no other transaction change the targets, in one order for everybody.
func (t tx) lock(ctx context.Context, targets []image.Target) error {
	names := namesOf(targets)
	slices.Sort(names)
	_, err := allIn[string](ctx, t, `SELECT name FROM target WHERE name IN (?) ORDER BY name`+t.locking, names)
	return err
}

// deactivate returns the targets of which subscriptions ended.
func (t tx) deactivate(ctx context.Context, ends []subscription.End, now time.Time) (ended []image.Target, err error) {
	type alike struct {
		types []notification.Type
		names []string
	}
	byTypes := map[string]*alike{}
	for _, end := range ends {
		types := describe(end.Types)
		if byTypes[types] == nil {
			byTypes[types] = &alike{types: end.Types}
		}
		byTypes[types].names = append(byTypes[types].names, end.Target.String())
	}
	touched := map[string]bool{}
	for _, some := range byTypes {
		statement, args := `UPDATE subscription SET active = FALSE, updated = ? WHERE active`, []any{toMicros(now)}
		if len(some.types) > 0 {
			statement += ` AND type IN (` + strings.Repeat(`?, `, len(some.types)-1) + `?)`
			for _, kind := range some.types {
				args = append(args, string(kind))
			}
		}
		names, err := allIn[string](ctx, t, statement+` AND target IN (?) RETURNING target`, some.names, args...)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			touched[name] = true
		}
	}
	for _, end := range ends {
		if touched[end.Target.String()] {
			ended = append(ended, end.Target)
		}
	}
	return ended, nil
}

// forgetUnwatched counts the active subscriptions of targets and deletes those without
// any, with all that hangs on them.
func (t tx) forgetUnwatched(ctx context.Context, targets ...image.Target) (left map[string]int, err error) {
	counts, err := allIn[struct {
		Target string
		Active int
	}](ctx, t, `SELECT target, count(*) AS active FROM subscription WHERE active AND target IN (?) GROUP BY target`, namesOf(targets))
	if err != nil {
		return nil, err
	}
	left = map[string]int{}
	for _, target := range targets {
		left[target.String()] = 0
	}
	for _, each := range counts {
		left[each.Target] = each.Active
	}
	gone := slices.DeleteFunc(slices.Clone(targets), func(target image.Target) bool { return left[target.String()] > 0 })
	if err := runIn(ctx, t, `DELETE FROM target WHERE name IN (?)`, namesOf(gone)); err != nil {
		return nil, err
	}
	if err := runIn(ctx, t, `DELETE FROM condition WHERE resource = ? AND name IN (?)`, namesOf(gone), string(condition.Tag)); err != nil {
		return nil, err
	}
	registries := map[string]bool{}
	for _, target := range gone {
		registries[target.Reference.Registry] = true
	}
	for _, registry := range slices.Sorted(maps.Keys(registries)) {
		watched, err := t.exists(ctx, condition.Key{Resource: condition.Registry, Name: registry})
		if err != nil {
			return nil, err
		}
		if watched {
			continue
		}
		if err := t.forgetConditions(ctx, condition.Registry, registry); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func describe(types []notification.Type) string {
	if len(types) == 0 {
		return "it"
	}
	names := make([]string, len(types))
	for i, kind := range types {
		names[i] = string(kind)
	}
	return strings.Join(names, " or ")
}
