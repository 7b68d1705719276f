package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// PlacedPackage is a package of a target's analyzed image.
type PlacedPackage struct {
	Target  image.Target
	Digest  image.Digest
	Package vuln.Package
	text    string // of the target
}

type memberRow struct {
	GroupID int64 `db:"group_id"`
	Name    string
	Version string
	Type    string
	PURL    string
}

// AffectedByPackage lists where packages are that the query selects, whether or
// not a vulnerability is known of them, by target, then by package.
func (s *Store) AffectedByPackage(ctx context.Context, query vuln.PackageQuery) ([]PlacedPackage, error) {
	var list []PlacedPackage
	err := s.view(ctx, "find package "+query.Name, func(t tx) error {
		rows, err := all[memberRow](ctx, t, `SELECT group_id, name, version, type, purl FROM group_package WHERE lookup = ?`, strings.ToLower(query.Name))
		if err != nil {
			return err
		}
		packages := map[int64][]vuln.Package{}
		for _, row := range rows {
			if p := (vuln.Package{Name: row.Name, Version: row.Version, Type: row.Type, PURL: row.PURL}); query.Selects(p) {
				packages[row.GroupID] = append(packages[row.GroupID], p)
			}
		}
		found, err := places(ctx, t, packages)
		if err != nil {
			return err
		}
		list, err = placed(found, packages)
		return err
	})
	return list, err
}

func placed(found []placeRow, packages map[int64][]vuln.Package) ([]PlacedPackage, error) {
	var list []PlacedPackage
	for _, place := range found {
		target, err := image.ParseTarget(place.Target)
		if err != nil {
			return nil, err
		}
		for _, p := range packages[place.GroupID] {
			list = append(list, PlacedPackage{Target: target, Digest: image.Digest(place.Digest), Package: p, text: place.Target})
		}
	}
	slices.SortFunc(list, func(a, b PlacedPackage) int {
		return cmp.Or(strings.Compare(a.text, b.text), strings.Compare(a.Package.Name, b.Package.Name), strings.Compare(a.Package.Version, b.Package.Version))
	})
	return list, nil
}

// insertPackages stores what the members of groups are.
func (t tx) insertPackages(ctx context.Context, packages map[int64][]vuln.Package) error {
	var rows [][]any
	for group, members := range packages {
		for member, p := range members {
			if lookup := p.LookupName(); lookup != "" {
				rows = append(rows, []any{group, member, cleanText(lookup), cleanText(p.Name), cleanText(p.Version), p.Type, cleanText(p.PURL)})
			}
		}
	}
	return t.insert(ctx, `group_package (group_id, member, lookup, name, version, type, purl)`, rows, `ON CONFLICT DO NOTHING`)
}
