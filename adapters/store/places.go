package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Place is a group of packages of a target's analyzed image, or of an older image of it
// that workloads still run. Most groups have one package.
type Place struct {
	Target image.Target
	Digest image.Digest
	// Older reports that the tag points to another image, Workloads are those that run it.
	Older     bool
	Workloads []workload.Instance
	Findings  []vuln.Finding // of the vulnerability that was searched for
	Packages  []vuln.Package // of those that were searched for
	group     int64
}

// Key names the place in the order of all places.
func (p Place) Key() string {
	return strconv.FormatInt(p.group, 10) + " " + string(p.Digest) + " " + p.Target.String()
}

// PlacePage selects places by their keys; its zero value selects the first 1,000.
type PlacePage struct {
	After, Before string   // keys; "" for any
	Among         []string // the texts of the targets that may be selected; nil for all
	Limit         int
}

// VulnerablePlaces lists where a vulnerability is, by target. It is found as Affected
// finds it.
func (s *Store) VulnerablePlaces(ctx context.Context, vulnerability string, page PlacePage) (places []Place, err error) {
	err = s.view(ctx, "find "+vulnerability, func(t tx) error {
		findings, err := t.findingsUnderAnyName(ctx, vulnerability)
		if err != nil {
			return err
		}
		places, err = placesOn(ctx, t, page, findings)
		for i := range places {
			places[i].Findings = findings[places[i].group]
		}
		return err
	})
	return places, err
}

// PackagePlaces lists where packages of a name, in lower case, are that selects selects;
// nil for all of the name.
func (s *Store) PackagePlaces(ctx context.Context, name string, selects func(vuln.Package) bool, page PlacePage) (places []Place, err error) {
	err = s.view(ctx, "find package "+name, func(t tx) error {
		packages, err := t.packagesOf(ctx, name, selects)
		if err != nil {
			return err
		}
		places, err = placesOn(ctx, t, page, packages)
		for i := range places {
			places[i].Packages = packages[places[i].group]
		}
		return err
	})
	return places, err
}

// packagesOf reads the packages of a name by their group.
func (t tx) packagesOf(ctx context.Context, name string, selects func(vuln.Package) bool) (map[int64][]vuln.Package, error) {
	rows, err := all[memberRow](ctx, t, `SELECT group_id, name, version, type, purl FROM group_package WHERE lookup = ?`, name)
	packages := map[int64][]vuln.Package{}
	for _, row := range rows {
		if p := (vuln.Package{Name: row.Name, Version: row.Version, Type: row.Type, PURL: row.PURL}); selects == nil || selects(p) {
			packages[row.GroupID] = append(packages[row.GroupID], p)
		}
	}
	return packages, err
}

// placesOn reads a page of the places of groups.
func placesOn[V any](ctx context.Context, t tx, page PlacePage, groups map[int64]V) ([]Place, error) {
	keys := slices.Sorted(maps.Keys(groups))
	found, err := placeRowsOn(ctx, t, page, currentPlaces, keys)
	if err != nil {
		return nil, err
	}
	older, err := placeRowsOn(ctx, t, page, olderPlaces, keys)
	if err != nil {
		return nil, err
	}
	rows, err := convert(page.cut(append(found, asOlder(older)...)), placeRow.place)
	if err != nil {
		return nil, err
	}
	if err := t.addWorkloads(ctx, rows); err != nil {
		return nil, err
	}
	places := make([]Place, len(rows))
	for i, row := range rows {
		places[i] = Place{Target: row.target, Digest: row.digest, Older: row.older, Workloads: row.workloads, group: row.group}
	}
	return places, nil
}

// placeRowsOn reads the rows of one query that can be on a page.
func placeRowsOn(ctx context.Context, t tx, page PlacePage, query string, groups []int64) ([]placeRow, error) {
	backward, than, key, err := page.bound()
	if err != nil {
		return nil, err
	}
	direction := map[bool]string{false: "ASC", true: "DESC"}[backward]
	bound := ""
	if len(key) > 0 {
		bound = `(p.target, p.group_id, p.digest) ` + than + ` (?, ?, ?) AND`
	}
	var allowed conditions
	if err := allowed.among(t, "p.target", page.Among); err != nil {
		return nil, err
	}
	for _, part := range allowed.parts {
		bound, key = bound+" "+part+" AND", append(key, allowed.args...)
	}
	return allIn[placeRow](ctx, t, fmt.Sprintf(`SELECT p.target, p.digest, p.group_id FROM (%s) p WHERE %s p.group_id IN (?)
		ORDER BY p.target %[3]s, p.group_id %[3]s, p.digest %[3]s LIMIT %[4]d`, query, bound, direction, limitOf(page.Limit)), groups, key...)
}

// cut leaves the first rows, or the last: several queries have a page each.
func (p PlacePage) cut(rows []placeRow) []placeRow {
	slices.SortFunc(rows, func(a, b placeRow) int {
		return cmp.Or(strings.Compare(a.Target, b.Target), cmp.Compare(a.GroupID, b.GroupID), strings.Compare(a.Digest, b.Digest))
	})
	most := min(len(rows), limitOf(p.Limit))
	if p.Before != "" {
		return rows[len(rows)-most:]
	}
	return rows[:most]
}

// bound is the key that a page begins at, and how its rows compare with it.
func (p PlacePage) bound() (backward bool, than string, key []any, err error) {
	text, than := p.After, ">"
	if p.Before != "" {
		text, than = p.Before, "<"
	}
	if text == "" {
		return false, "", nil, nil
	}
	parts := strings.SplitN(text, " ", 3)
	group, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) < 3 {
		return false, "", nil, fmt.Errorf("%q is not the key of a place: %w", text, errkind.Invalid)
	}
	return p.Before != "", than, []any{parts[2], group, parts[1]}, nil
}
