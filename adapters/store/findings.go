package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// SaveFindings stores the findings of groups that had none of the current
// matcher; a group that has is left alone. FirstSeen and FixFirstSeen of the
// findings are ignored: the store keeps them itself. errkind.Conflict if
// build and matcher are not the current ones any more, and nothing is stored.
func (s *Store) SaveFindings(ctx context.Context, build string, matcher vuln.Matcher, found map[int64][]vuln.GroupFinding, now time.Time) error {
	return s.change(ctx, "save findings", func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		if current.Build != build || vuln.Matcher(current.Matcher) != matcher {
			return fmt.Errorf("build %s and matcher %s were current when the packages were matched, now %s and %s are: %w",
				build, matcher, current.Build, current.Matcher, errkind.Conflict)
		}
		known, err := t.matchedGroups(ctx, sortedIDs(found))
		if err != nil {
			return err
		}
		missing := maps.Clone(found)
		maps.DeleteFunc(missing, func(id int64, _ []vuln.GroupFinding) bool { return known[id] == string(matcher) })
		if _, err := t.replaceFindings(ctx, missing, now); err != nil {
			return err
		}
		return t.markMatched(ctx, sortedIDs(missing), build, matcher)
	})
}

// matchedGroups reports which matcher matched each of the groups; those that were
// never matched are absent.
func (t tx) matchedGroups(ctx context.Context, ids []int64) (map[int64]string, error) {
	rows, err := allIn[nameRow](ctx, t, `SELECT group_id AS id, matcher AS name FROM group_match WHERE group_id IN (?)`, ids)
	matchers := make(map[int64]string, len(rows))
	for _, row := range rows {
		matchers[row.ID] = row.Name
	}
	return matchers, err
}

func (t tx) markMatched(ctx context.Context, ids []int64, build string, matcher vuln.Matcher) error {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, string(matcher), build}
	}
	return t.insert(ctx, `group_match (group_id, matcher, build)`, rows,
		`ON CONFLICT (group_id) DO UPDATE SET matcher = excluded.matcher, build = excluded.build`)
}

// findingRow is a stored finding without its document.
type findingRow struct {
	ID            int64
	GroupID       int64 `db:"group_id"`
	Member        int
	Vulnerability string
	Namespace     string
	Hash          string
	Content       string
	FirstSeen     int64 `db:"first_seen"`
	FixFirstSeen  int64 `db:"fix_first_seen"`
}

func (r findingRow) age() age { return age{r.FirstSeen, r.FixFirstSeen} }

// replaceFindings makes found the findings of its groups and returns those
// groups, sorted, about which there is news. Rows that stay the same are not
// touched.
func (t tx) replaceFindings(ctx context.Context, found map[int64][]vuln.GroupFinding, now time.Time) (changed []int64, err error) {
	ids := sortedIDs(found)
	stored, err := t.findingRows(ctx, ids)
	if err != nil {
		return nil, err
	}
	known, err := t.ages(ctx, ids)
	if err != nil {
		return nil, err
	}
	var gone, touched []int64
	var fresh, refs [][]any
	for _, id := range ids {
		r := revise(stored[id], found[id], known[id], toMicros(now))
		if r.news {
			changed = append(changed, id)
		}
		if len(r.gone)+len(r.fresh) == 0 {
			continue
		}
		rows, err := insertions(id, r.fresh)
		if err != nil {
			return nil, err
		}
		gone, touched = append(gone, r.gone...), append(touched, id)
		fresh, refs = append(fresh, rows...), append(refs, references(id, found[id])...)
	}
	if err := runIn(ctx, t, `DELETE FROM finding WHERE id IN (?)`, gone); err != nil {
		return nil, err
	}
	if err := t.insert(ctx, `finding (group_id, member, vulnerability, namespace, severity, fix_state, known_exploited,
		hash, content, document, first_seen, fix_first_seen)`, fresh, ""); err != nil {
		return nil, err
	}
	if err := t.saveAges(ctx, known); err != nil {
		return nil, err
	}
	return changed, t.replaceReferences(ctx, touched, refs)
}

func (t tx) findingRows(ctx context.Context, ids []int64) (map[int64][]findingRow, error) {
	rows, err := allIn[findingRow](ctx, t, `SELECT id, group_id, member, vulnerability, namespace, hash, content, first_seen, fix_first_seen
		FROM finding WHERE group_id IN (?)`, ids)
	byGroup := make(map[int64][]findingRow, len(ids))
	for _, row := range rows {
		byGroup[row.GroupID] = append(byGroup[row.GroupID], row)
	}
	return byGroup, err
}

// insertions are the rows of new findings. When they were first seen is in
// columns, not in the document.
func insertions(group int64, fresh []datedFinding) ([][]any, error) {
	rows := make([][]any, len(fresh))
	for i, f := range fresh {
		plain := f.Finding
		plain.FirstSeen, plain.FixFirstSeen = time.Time{}, time.Time{}
		document, err := pack(plain)
		if err != nil {
			return nil, err
		}
		rows[i] = []any{group, f.Member, f.ID, f.Namespace, string(f.Severity), string(f.Fix.State), f.KnownExploited,
			f.hash, f.content, document, f.age.seen, f.age.fixed}
	}
	return rows, nil
}

func references(group int64, findings []vuln.GroupFinding) [][]any {
	var rows [][]any
	for _, f := range findings {
		for _, ref := range f.Refs() {
			rows = append(rows, []any{cleanText(ref), group})
		}
	}
	return rows
}

func (t tx) replaceReferences(ctx context.Context, ids []int64, refs [][]any) error {
	if err := runIn(ctx, t, `DELETE FROM finding_reference WHERE group_id IN (?)`, ids); err != nil {
		return err
	}
	sortRows(refs)
	return t.insert(ctx, `finding_reference (vulnerability, group_id)`, refs, `ON CONFLICT DO NOTHING`)
}

// documentRow is a stored finding as it is read.
type documentRow struct {
	GroupID      int64 `db:"group_id"`
	Member       int
	Document     []byte
	FirstSeen    int64 `db:"first_seen"`
	FixFirstSeen int64 `db:"fix_first_seen"`
}

func (r documentRow) finding() (vuln.GroupFinding, error) {
	finding, err := unpack[vuln.Finding](r.Document)
	finding.FirstSeen, finding.FixFirstSeen = timeOf(r.FirstSeen), timeOf(r.FixFirstSeen)
	return vuln.GroupFinding{Member: r.Member, Finding: finding}, err
}

// CurrentFindings reads the findings of those groups. It has an entry, if an
// empty one, for each that is matched by the current matcher, and none for others.
func (s *Store) CurrentFindings(ctx context.Context, ids []int64) (map[int64][]vuln.GroupFinding, error) {
	var found map[int64][]vuln.GroupFinding
	err := s.view(ctx, "read findings", func(t tx) error {
		known, err := t.validGroups(ctx, ids)
		if err != nil {
			return err
		}
		rows, err := allIn[documentRow](ctx, t, `SELECT group_id, member, document, first_seen, fix_first_seen
			FROM finding WHERE group_id IN (?) ORDER BY group_id, id`, known)
		if err != nil {
			return err
		}
		found = make(map[int64][]vuln.GroupFinding, len(known))
		for _, id := range known {
			found[id] = nil
		}
		for _, row := range rows {
			finding, err := row.finding()
			if err != nil {
				return err
			}
			found[row.GroupID] = append(found[row.GroupID], finding)
		}
		return nil
	})
	return found, err
}

// validGroups are those of the groups whose findings are of the current matcher.
func (t tx) validGroups(ctx context.Context, ids []int64) ([]int64, error) {
	return allIn[int64](ctx, t, `SELECT group_id FROM group_match WHERE matcher = (SELECT matcher FROM feed) AND group_id IN (?)`, ids)
}

func sortedIDs(found map[int64][]vuln.GroupFinding) []int64 {
	return slices.Sorted(maps.Keys(found))
}
