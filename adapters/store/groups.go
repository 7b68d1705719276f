package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// imageGroup reports which packages of an image the members of a group are.
type imageGroup struct {
	Group     int64      `json:"group"`
	Artifacts [][]string `json:"artifacts"` // one list a member
}

// SaveGroups stores which groups the image's packages make, in place of those of
// another analysis or matcher. Saving them again changes nothing.
func (s *Store) SaveGroups(ctx context.Context, digest image.Digest, matcher vuln.Matcher, groups []vuln.Group) error {
	return s.change(ctx, "save packages of "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil || vuln.Matcher(row.GroupsEngine) == matcher {
			return err
		}
		ids, err := t.internGroups(ctx, groups)
		if err != nil {
			return err
		}
		if err := t.assignGroups(ctx, row.ID, groups, ids); err != nil {
			return err
		}
		return t.run(ctx, `UPDATE image SET groups_matcher = ? WHERE id = ?`, string(matcher), row.ID)
	})
}

// internGroups stores the groups that no image had so far and returns the ids of
// all, by fingerprint.
func (t tx) internGroups(ctx context.Context, groups []vuln.Group) (map[string]int64, error) {
	ids, err := t.groupIDs(ctx, groups)
	if err != nil {
		return nil, err
	}
	fresh := map[string]vuln.Group{}
	for _, g := range groups {
		if _, known := ids[g.Fingerprint]; !known {
			fresh[g.Fingerprint] = g
		}
	}
	if len(fresh) == 0 {
		return ids, nil
	}
	if err := t.insertGroups(ctx, fresh); err != nil {
		return nil, err
	}
	if ids, err = t.groupIDs(ctx, groups); err != nil {
		return nil, err
	}
	packages := make(map[int64][]vuln.Package, len(fresh))
	for fingerprint, g := range fresh {
		packages[ids[fingerprint]] = g.Packages
	}
	if err := t.insertPackages(ctx, packages); err != nil {
		return nil, err
	}
	return ids, t.insertKeys(ctx, fresh, ids)
}

// insertGroups numbers groups in the order in which they become visible: who has
// seen an id has seen all below it. In a chain of pages none is missed.
func (t tx) insertGroups(ctx context.Context, groups map[string]vuln.Group) error {
	id, err := t.reserve(ctx, "group", len(groups))
	if err != nil {
		return err
	}
	var rows [][]any
	for _, fingerprint := range slices.Sorted(maps.Keys(groups)) {
		rows = append(rows, []any{id, fingerprint, compress(groups[fingerprint].Document)})
		id++
	}
	return t.insert(ctx, `package_group (id, fingerprint, document)`, rows, `ON CONFLICT (fingerprint) DO NOTHING`)
}

func (t tx) groupIDs(ctx context.Context, groups []vuln.Group) (map[string]int64, error) {
	fingerprints := make([]string, len(groups))
	for i, g := range groups {
		fingerprints[i] = g.Fingerprint
	}
	rows, err := allIn[groupRow](ctx, t, `SELECT id, fingerprint FROM package_group WHERE fingerprint IN (?)`, fingerprints)
	ids := make(map[string]int64, len(rows))
	for _, row := range rows {
		ids[row.Fingerprint] = row.ID
	}
	return ids, err
}

func (t tx) insertKeys(ctx context.Context, groups map[string]vuln.Group, ids map[string]int64) error {
	var rows [][]any
	for fingerprint, g := range groups {
		for _, key := range g.Keys {
			rows = append(rows, []any{cleanText(key), ids[fingerprint]})
		}
	}
	sortRows(rows)
	return t.insert(ctx, `package_key (key, group_id)`, rows, `ON CONFLICT DO NOTHING`)
}

// sortRows orders rows of a text and an id, so that transactions that insert the
// same ones cannot block each other.
func sortRows(rows [][]any) {
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(string), b[0].(string)), cmp.Compare(a[1].(int64), b[1].(int64)))
	})
}

func (t tx) assignGroups(ctx context.Context, id int64, groups []vuln.Group, ids map[string]int64) error {
	members := make([]imageGroup, len(groups))
	rows := make([][]any, len(groups))
	for i, g := range groups {
		members[i] = imageGroup{Group: ids[g.Fingerprint], Artifacts: g.Artifacts}
		rows[i] = []any{id, ids[g.Fingerprint]}
	}
	document, err := pack(members)
	if err != nil {
		return err
	}
	if err := t.run(ctx, `DELETE FROM image_group WHERE image_id = ?`, id); err != nil {
		return err
	}
	if err := t.insert(ctx, `image_group (image_id, group_id)`, rows, `ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	return t.saveImageDocuments(ctx, id, map[string][]byte{kindArtifacts: document})
}

type groupRow struct {
	ID          int64
	Fingerprint string
	Document    []byte
}

// Unmatched lists the image's groups whose findings are not stored for the
// current matcher, by id.
func (s *Store) Unmatched(ctx context.Context, digest image.Digest) ([]databuild.StoredGroup, error) {
	var groups []databuild.StoredGroup
	err := s.view(ctx, "list unmatched packages of "+string(digest), func(t tx) error {
		image, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		rows, err := all[groupRow](ctx, t, `SELECT g.id, g.fingerprint, g.document FROM image_group i JOIN package_group g ON g.id = i.group_id
			WHERE i.image_id = ? AND `+unmatched+` ORDER BY g.id`, image.ID)
		if err != nil {
			return err
		}
		groups, err = t.storedGroups(ctx, rows)
		return err
	})
	return groups, err
}

// unmatched is true of a row i of image_group whose group has no findings of the
// current matcher. Findings of the current matcher are valid, of whatever
// build they were made: see Advance.
const unmatched = `NOT EXISTS (SELECT 1 FROM group_match m JOIN feed ON feed.matcher = m.matcher WHERE m.group_id = i.group_id)`

// storedGroups adds their keys to groups.
func (t tx) storedGroups(ctx context.Context, rows []groupRow) ([]databuild.StoredGroup, error) {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	keys, err := t.names(ctx, `SELECT group_id AS id, key AS name FROM package_key WHERE group_id IN (?)`, ids)
	if err != nil {
		return nil, err
	}
	return convert(rows, func(row groupRow) (databuild.StoredGroup, error) {
		document, err := decompress(row.Document)
		return databuild.StoredGroup{ID: row.ID, Fingerprint: row.Fingerprint, Document: document, Keys: keys[row.ID]}, err
	})
}
