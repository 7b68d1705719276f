package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// PlacedPackage is a package of a target's analyzed image, or of an older image of it
// that workloads still run.
type PlacedPackage struct {
	Target  image.Target
	Digest  image.Digest
	Package vuln.Package
	// Older reports that the tag points to another image, Workloads are those that run it.
	Older     bool
	Workloads []workload.Instance
	text      string // of the target
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
		packages, err := t.packagesOf(ctx, strings.ToLower(query.Name), query.Selects)
		if err != nil {
			return err
		}
		found, err := places(ctx, t, packages)
		if err != nil {
			return err
		}
		list = placed(found, packages)
		return nil
	})
	return list, err
}

func placed(found []place, packages map[int64][]vuln.Package) (list []PlacedPackage) {
	for _, at := range found {
		for _, p := range packages[at.group] {
			list = append(list, PlacedPackage{Target: at.target, Digest: at.digest, Package: p, Older: at.older, Workloads: at.workloads, text: at.text})
		}
	}
	slices.SortFunc(list, func(a, b PlacedPackage) int {
		return cmp.Or(strings.Compare(a.text, b.text), strings.Compare(a.Package.Name, b.Package.Name), strings.Compare(a.Package.Version, b.Package.Version),
			strings.Compare(string(a.Digest), string(b.Digest)))
	})
	return list
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
