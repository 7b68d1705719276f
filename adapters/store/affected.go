package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// affectedImages are the digests of the images that hold a package about which a
// build brought news.
const affectedImages = `SELECT digest FROM image WHERE id IN (
	SELECT g.image_id FROM group_change c JOIN image_group g ON g.group_id = c.group_id WHERE c.build = ?)`

// AffectedTag is a target whose analyzed image has a vulnerability.
type AffectedTag struct {
	Target  image.Target
	Digest  image.Digest
	ID      string // of the record that says so
	Package string
	Version string
	Type    string // of the package
	// Namespace is that of the record.
	Namespace string
	Severity  vuln.Severity
	Fix       vuln.Fix
}

// Affected lists where a vulnerability is, by target, then by package. It is
// found by any of its names, in any case, as blacklists match it (vuln.Finding.Named);
// a GHSA also finds what other records say about its CVE.
func (s *Store) Affected(ctx context.Context, vulnerability string) ([]AffectedTag, error) {
	var tags []AffectedTag
	err := s.view(ctx, "find "+vulnerability, func(t tx) error {
		findings, err := t.findingsUnderAnyName(ctx, vulnerability)
		if err != nil {
			return err
		}
		found, err := places(ctx, t, findings)
		if err != nil {
			return err
		}
		tags, err = affectedTags(found, findings)
		return err
	})
	return tags, err
}

// places are the targets whose analyzed images hold the groups.
func places[V any](ctx context.Context, t tx, groups map[int64]V) ([]placeRow, error) {
	return allIn[placeRow](ctx, t, `SELECT s.target, s.analyzed AS digest, g.group_id FROM image_group g
		JOIN image i ON i.id = g.image_id JOIN target_state s ON s.analyzed = i.digest
		WHERE g.group_id IN (?)`, slices.Sorted(maps.Keys(groups)))
}

type placeRow struct {
	Target  string
	Digest  string
	GroupID int64 `db:"group_id"`
}

// findingsUnderAnyName reads, by group, the findings of a vulnerability under all
// of its names that the findings know.
func (t tx) findingsUnderAnyName(ctx context.Context, vulnerability string) (map[int64][]vuln.Finding, error) {
	findings, err := t.findingsOf(ctx, vulnerability)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{strings.ToLower(vulnerability): true}
	for _, group := range slices.Sorted(maps.Keys(findings)) {
		for _, f := range findings[group] {
			key := strings.ToLower(f.Key())
			isName := func(name string) bool { return strings.EqualFold(name, vulnerability) }
			if known[key] || !slices.ContainsFunc(f.Names(), isName) {
				continue // an advisory that covers the vulnerability is no other name of it
			}
			known[key] = true
			more, err := t.findingsOf(ctx, key)
			if err != nil {
				return nil, err
			}
			maps.Copy(findings, more)
		}
	}
	return findings, nil
}

// findingsOf reads, by group, the findings that refer to the vulnerability.
func (t tx) findingsOf(ctx context.Context, vulnerability string) (map[int64][]vuln.Finding, error) {
	rows, err := all[documentRow](ctx, t, `SELECT f.group_id, f.member, f.document, f.first_seen, f.fix_first_seen FROM finding_reference r
		JOIN finding f ON f.group_id = r.group_id WHERE r.vulnerability = ?`, strings.ToLower(vulnerability))
	if err != nil {
		return nil, err
	}
	findings := map[int64][]vuln.Finding{}
	for _, row := range rows {
		found, err := row.finding()
		if err != nil {
			return nil, err
		}
		if found.Named(vulnerability) {
			findings[row.GroupID] = append(findings[row.GroupID], found.Finding)
		}
	}
	return findings, nil
}

func affectedTags(places []placeRow, findings map[int64][]vuln.Finding) ([]AffectedTag, error) {
	var tags []AffectedTag
	for _, place := range places {
		target, err := image.ParseTarget(place.Target)
		if err != nil {
			return nil, err
		}
		for _, f := range findings[place.GroupID] {
			tags = append(tags, AffectedTag{Target: target, Digest: image.Digest(place.Digest), ID: f.ID, Package: f.Package.Name,
				Version: f.Package.Version, Type: f.Package.Type, Namespace: f.Namespace, Severity: f.Severity, Fix: f.Fix})
		}
	}
	slices.SortStableFunc(tags, func(a, b AffectedTag) int {
		return cmp.Or(strings.Compare(a.Target.String(), b.Target.String()), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version))
	})
	return tags, nil
}
