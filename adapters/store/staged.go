package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// stagedPage is how many staged groups are in memory at a time.
const stagedPage = 500

// Stage keeps the findings that groups have in a build that is to become
// the current one, so that a move that is interrupted need not match them again
// and one of every package fits into memory. What is staged already stays.
func (s *Store) Stage(ctx context.Context, build string, matcher vuln.Matcher, found map[int64][]vuln.GroupFinding) error {
	rows := make([][]any, 0, len(found))
	for _, id := range sortedIDs(found) {
		document, err := pack(found[id])
		if err != nil {
			return err
		}
		rows = append(rows, []any{build, string(matcher), id, document})
	}
	return s.change(ctx, "stage findings", func(t tx) error {
		return t.insert(ctx, `staged_group (build, matcher, group_id, document)`, rows, `ON CONFLICT DO NOTHING`)
	})
}

type stagedRow struct {
	GroupID  int64 `db:"group_id"`
	Document []byte
}

// applyStaged replaces the findings of the staged groups, page by page, and
// counts them and those about which there is news.
func (t tx) applyStaged(ctx context.Context, a databuild.Advance, now time.Time) (moved databuild.Moved, err error) {
	for after := int64(0); ; {
		rows, err := all[stagedRow](ctx, t, `SELECT group_id, document FROM staged_group
			WHERE build = ? AND matcher = ? AND group_id > ? ORDER BY group_id LIMIT ?`, a.To, string(a.Matcher), after, stagedPage)
		if err != nil || len(rows) == 0 {
			return moved, err
		}
		changed, err := t.applyPage(ctx, a, rows, now)
		if err != nil {
			return moved, err
		}
		moved.Matched, moved.Changed = moved.Matched+len(rows), moved.Changed+changed
		after = rows[len(rows)-1].GroupID
	}
}

func (t tx) applyPage(ctx context.Context, a databuild.Advance, rows []stagedRow, now time.Time) (changed int, err error) {
	found := make(map[int64][]vuln.GroupFinding, len(rows))
	for _, row := range rows {
		if found[row.GroupID], err = unpack[[]vuln.GroupFinding](row.Document); err != nil {
			return 0, err
		}
	}
	ids := sortedIDs(found)
	matched, err := t.matchedGroups(ctx, ids)
	if err != nil {
		return 0, err
	}
	news, err := t.replaceFindings(ctx, found, now)
	if err != nil {
		return 0, err
	}
	news = known(news, matched)
	if err := t.markMatched(ctx, ids, a.To, a.Matcher); err != nil {
		return 0, err
	}
	return len(news), t.noteChanges(ctx, a.To, news)
}

// known leaves out groups that were never matched: they are new to the store,
// not changed by the data.
func known(groups []int64, matched map[int64]string) (left []int64) {
	for _, id := range groups {
		if _, before := matched[id]; before {
			left = append(left, id)
		}
	}
	return left
}
