package store

import (
	"context"
	"slices"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Touched lists the groups behind an id whose findings a move to a build may change, by
// id, and the last group that there is: those with a name or a record that differs, and
// those without findings of the current matcher, whose first ones might be stored, from
// the old data, before the move. Groups that are staged for the build are left out. It
// reads each name once, however many groups have it.
func (s *Store) Touched(ctx context.Context, after int64, delta vuln.Delta, build string, matcher vuln.Matcher) (touched []int64, last int64, err error) {
	err = s.view(ctx, "list packages that new data touch", func(t tx) error {
		if last, err = one[int64](ctx, t, `SELECT coalesce(max(id), 0) FROM package_group`); err != nil || last <= after {
			last = max(last, after)
			return err
		}
		ids, err := t.touched(ctx, after, delta)
		if err != nil {
			return err
		}
		staged, err := all[int64](ctx, t, `SELECT group_id FROM staged_group WHERE build = ? AND matcher = ? AND group_id > ?`, build, string(matcher), after)
		if err != nil {
			return err
		}
		slices.Sort(staged)
		touched = slices.DeleteFunc(ids, func(id int64) bool { _, found := slices.BinarySearch(staged, id); return found })
		return nil
	})
	return touched, last, err
}

func (t tx) touched(ctx context.Context, after int64, delta vuln.Delta) ([]int64, error) {
	if delta.All {
		return all[int64](ctx, t, `SELECT id FROM package_group WHERE id > ? ORDER BY id`, after)
	}
	ids, err := all[int64](ctx, t, `SELECT id FROM package_group WHERE id > ? AND NOT EXISTS (
		SELECT 1 FROM group_match m JOIN feed ON feed.matcher = m.matcher WHERE m.group_id = package_group.id)`, after)
	if err != nil {
		return nil, err
	}
	for _, each := range []struct {
		list, find string
		touches    func(string) bool
	}{
		{`SELECT DISTINCT key FROM package_key`, `SELECT group_id FROM package_key WHERE group_id > ? AND key IN (?)`, delta.TouchesName},
		{`SELECT DISTINCT vulnerability FROM finding_reference`, `SELECT group_id FROM finding_reference WHERE group_id > ? AND vulnerability IN (?)`, delta.TouchesRecord},
	} {
		names, err := all[string](ctx, t, each.list)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !each.touches(name) })
		found, err := allIn[int64](ctx, t, each.find, names, after)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Groups reads groups, by id.
func (s *Store) Groups(ctx context.Context, ids []int64) (groups []databuild.StoredGroup, err error) {
	err = s.view(ctx, "read packages", func(t tx) error {
		rows, err := allIn[groupRow](ctx, t, `SELECT id, fingerprint, document FROM package_group WHERE id IN (?) ORDER BY id`, slices.Sorted(slices.Values(ids)))
		if err != nil {
			return err
		}
		groups, err = t.storedGroups(ctx, rows)
		return err
	})
	return groups, err
}
