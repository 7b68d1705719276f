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
)

// Place is a group of packages of a target's analyzed image. Most groups have one package.
type Place struct {
	Target   image.Target
	Digest   image.Digest
	Findings []vuln.Finding // of the vulnerability that was searched for
	Packages []vuln.Package // of those that were searched for
	group    int64
}

// Key names the place in the order of all places.
func (p Place) Key() string { return strconv.FormatInt(p.group, 10) + " " + p.Target.String() }

// PlacePage selects places by their keys; its zero value selects the first 1,000.
type PlacePage struct {
	After, Before string // keys; "" for any
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
	backward, bound, args, err := page.bound()
	if err != nil {
		return nil, err
	}
	direction := map[bool]string{false: "ASC", true: "DESC"}[backward]
	rows, err := allIn[placeRow](ctx, t, fmt.Sprintf(`SELECT s.target, s.analyzed AS digest, g.group_id FROM image_group g
		JOIN image i ON i.id = g.image_id JOIN target_state s ON s.analyzed = i.digest
		WHERE %s g.group_id IN (?) ORDER BY s.target %[2]s, g.group_id %[2]s LIMIT %[3]d`, bound, direction, limitOf(page.Limit)), slices.Sorted(maps.Keys(groups)), args...)
	if err != nil {
		return nil, err
	}
	// Several parts of the groups have a page each: the first rows of all are the page.
	slices.SortFunc(rows, func(a, b placeRow) int {
		return cmp.Or(strings.Compare(a.Target, b.Target), cmp.Compare(a.GroupID, b.GroupID))
	})
	if most := min(len(rows), limitOf(page.Limit)); backward {
		rows = rows[len(rows)-most:]
	} else {
		rows = rows[:most]
	}
	return convert(rows, placeRow.listed)
}

// bound is the condition that a key sets.
func (p PlacePage) bound() (backward bool, text string, args []any, err error) {
	key, than := p.After, ">"
	if p.Before != "" {
		key, than = p.Before, "<"
	}
	if key == "" {
		return false, "", nil, nil
	}
	group, target, _ := strings.Cut(key, " ")
	number, err := strconv.ParseInt(group, 10, 64)
	if err != nil {
		return false, "", nil, fmt.Errorf("%q is not the key of a place: %w", key, errkind.Invalid)
	}
	return p.Before != "", `(s.target, g.group_id) ` + than + ` (?, ?) AND`, []any{target, number}, nil
}

func (r placeRow) listed() (Place, error) {
	target, err := image.ParseTarget(r.Target)
	return Place{Target: target, Digest: image.Digest(r.Digest), group: r.GroupID}, err
}
