package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// UnlistedGroups are groups whose packages AffectedByPackage does not find yet,
// having been stored before it could.
func (s *Store) UnlistedGroups(ctx context.Context, limit int) (groups []watch.StoredGroup, err error) {
	err = s.view(ctx, "list packages that cannot be found", func(t tx) error {
		groups, err = t.groups(ctx, `package_group g WHERE NOT g.listed ORDER BY g.id LIMIT ?`, limit)
		return err
	})
	return groups, err
}

// ListPackages stores what the members of groups are, by the groups' ids.
func (s *Store) ListPackages(ctx context.Context, packages map[int64][]vuln.Package) error {
	var ids []int64
	for id := range packages {
		ids = append(ids, id)
	}
	return s.change(ctx, "list packages", func(t tx) error {
		if err := t.insertPackages(ctx, packages); err != nil {
			return err
		}
		return runIn(ctx, t, `UPDATE package_group SET listed = TRUE WHERE id IN (?)`, ids)
	})
}
