package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// affectedImages are the digests of the images that hold a package about which a
// build brought news.
const affectedImages = `SELECT digest FROM image WHERE id IN (
	SELECT g.image_id FROM group_change c JOIN image_group g ON g.group_id = c.group_id WHERE c.build = ?)`

// AffectedTag is a target whose analyzed image has a vulnerability, or an older image of it
// that workloads still run.
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
	// Older reports that the tag points to another image, Workloads are those that run it.
	Older     bool
	Workloads []workload.Instance
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
		tags = affectedTags(found, findings)
		return nil
	})
	return tags, err
}

// place is a target with an image of it that holds a group.
type place struct {
	target image.Target
	text   string // of the target
	digest image.Digest
	group  int64
	older  bool
	// workloads are those that run the image.
	workloads []workload.Instance
}

type placeRow struct {
	Target  string
	Digest  string
	GroupID int64 `db:"group_id"`
	older   bool
}

func (r placeRow) place() (place, error) {
	target, err := image.ParseTarget(r.Target)
	return place{target: target, text: r.Target, digest: image.Digest(r.Digest), group: r.GroupID, older: r.older}, err
}

// currentPlaces are the groups of what tags point to, olderPlaces those of other images of
// tags that workloads still run.
const (
	currentPlaces = `SELECT s.target, s.analyzed AS digest, g.group_id FROM image_group g
		JOIN image i ON i.id = g.image_id JOIN target_state s ON s.analyzed = i.digest`
	olderPlaces = `SELECT DISTINCT r.target, r.image AS digest, g.group_id FROM image_group g
		JOIN image i ON i.id = g.image_id JOIN ` + runningImages + ` r ON r.image = i.digest WHERE r.image <> r.analyzed`
)

// places are the targets whose analyzed images hold the groups, and those of which
// workloads run an older image that does.
func places[V any](ctx context.Context, t tx, groups map[int64]V) ([]place, error) {
	keys := slices.Sorted(maps.Keys(groups))
	rows, err := allIn[placeRow](ctx, t, currentPlaces+` WHERE g.group_id IN (?)`, keys)
	if err != nil {
		return nil, err
	}
	older, err := allIn[placeRow](ctx, t, olderPlaces+` AND g.group_id IN (?)`, keys)
	if err != nil {
		return nil, err
	}
	found, err := convert(append(rows, asOlder(older)...), placeRow.place)
	if err != nil {
		return nil, err
	}
	return found, t.addWorkloads(ctx, found)
}

func asOlder(rows []placeRow) []placeRow {
	for i := range rows {
		rows[i].older = true
	}
	return rows
}

// addWorkloads adds to places the workloads that run their images.
func (t tx) addWorkloads(ctx context.Context, found []place) error {
	targets := make([]image.Target, len(found))
	for i, each := range found {
		targets[i] = each.target
	}
	slices.SortFunc(targets, func(a, b image.Target) int { return strings.Compare(a.String(), b.String()) })
	running, err := t.instances(ctx, slices.Compact(targets))
	for i, each := range found {
		found[i].workloads = workload.Of(running[each.target], each.digest)
	}
	return err
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

func affectedTags(places []place, findings map[int64][]vuln.Finding) (tags []AffectedTag) {
	for _, at := range places {
		for _, f := range findings[at.group] {
			tags = append(tags, AffectedTag{Target: at.target, Digest: at.digest, ID: f.ID, Package: f.Package.Name,
				Version: f.Package.Version, Type: f.Package.Type, Namespace: f.Namespace, Severity: f.Severity, Fix: f.Fix, Older: at.older, Workloads: at.workloads})
		}
	}
	slices.SortStableFunc(tags, func(a, b AffectedTag) int {
		return cmp.Or(strings.Compare(a.Target.String(), b.Target.String()), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version), strings.Compare(string(a.Digest), string(b.Digest)))
	})
	return tags
}
