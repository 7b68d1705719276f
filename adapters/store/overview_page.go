package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// recorded and unrecorded are the targets with a state and those without: the
// first in the order of an index, a page at a time; the others come after them.
const (
	recorded   = ` FROM target_state JOIN target ON target.name = target_state.target`
	unrecorded = ` FROM target LEFT JOIN target_state ON target_state.target = target.name`
)

// neighbor is the target next to a page, with what the orders go by.
type neighbor struct {
	Name                        string
	Recorded                    bool
	Critical, High, Medium, Low int
	Changed                     int64
}

// neighborOf reads the target that precedes a page or follows it; none for the first
// page. errkind.NotFound if it is no longer watched, or may not be selected.
func (t tx) neighborOf(ctx context.Context, filter watch.OverviewFilter) (n neighbor, found bool, err error) {
	name := filter.After + filter.Before // one of them is empty
	if name == "" {
		return n, false, nil
	}
	if filter.Order == watch.ByName {
		return neighbor{Name: name}, true, nil // a name has its place without a row, too
	}
	n, found, err = first[neighbor](ctx, t, `SELECT target.name AS name, target_state.target IS NOT NULL AS recorded, coalesce(critical, 0) AS critical,
		coalesce(high, 0) AS high, coalesce(medium, 0) AS medium, coalesce(low, 0) AS low, coalesce(changed, 0) AS changed`+unrecorded+` WHERE target.name = ?`, name)
	if err == nil && (!found || filter.Among != nil && !slices.Contains(filter.Among, name)) {
		err = fmt.Errorf("%s, next to the page, is no longer watched: %w", name, errkind.NotFound)
	}
	return n, found, err
}

// sequence is an order in which targets are read: from a table with a direction.
type sequence struct {
	from, order string
	beyond      func(neighbor) (string, []any) // what comes after a neighbor in this order
}

// byName is the order of names, forward or backward.
func byName(backward bool) sequence {
	direction, than := "ASC", ">"
	if backward {
		direction, than = "DESC", "<"
	}
	return sequence{unrecorded, `target.name ` + direction, func(n neighbor) (string, []any) { return `target.name ` + than + ` ?`, []any{n.Name} }}
}

// byRank is the order of an index of target_state, forward or backward. Its columns go by
// the table: the names alone are those of the results.
func byRank(order watch.OverviewOrder, backward bool) sequence {
	rank, directions := `(target_state.changed)`, `target_state.changed %[1]s`
	values := func(n neighbor) []any { return []any{n.Changed} }
	if order == watch.BySeverity {
		rank = `(target_state.critical, target_state.high, target_state.medium, target_state.low)`
		directions = `target_state.critical %[1]s, target_state.high %[1]s, target_state.medium %[1]s, target_state.low %[1]s`
		values = func(n neighbor) []any { return []any{n.Critical, n.High, n.Medium, n.Low} }
	}
	ranks, names, less, more := "DESC", "ASC", "<", ">"
	if backward {
		ranks, names, less, more = names, ranks, more, less
	}
	return sequence{recorded, fmt.Sprintf(directions, ranks) + `, target_state.target ` + names, func(n neighbor) (string, []any) {
		marks := `(?)`
		if order == watch.BySeverity {
			marks = `(?, ?, ?, ?)`
		}
		return rank + ` ` + less + `= ` + marks + ` AND (` + rank + ` ` + less + ` ` + marks + ` OR target_state.target ` + more + ` ?)`,
			append(append(values(n), values(n)...), n.Name)
	}}
}

// overviewPage reads a page of the overview in the filter's order.
func (t tx) overviewPage(ctx context.Context, where conditions, filter watch.OverviewFilter) ([]stateRow, error) {
	at, known, err := t.neighborOf(ctx, filter)
	if err != nil {
		return nil, err
	}
	backward, limit := filter.Before != "", limitOf(filter.Limit)
	var rows []stateRow
	if filter.Order == watch.ByName {
		rows, err = t.sequence(ctx, byName(backward), where, at, known, limit)
	} else {
		rows, err = t.ranked(ctx, where, filter, at, known, limit)
	}
	if backward {
		slices.Reverse(rows)
	}
	return rows, err
}

// ranked reads the recorded targets in their order and then the others, or backward.
func (t tx) ranked(ctx context.Context, where conditions, filter watch.OverviewFilter, at neighbor, known bool, limit int) ([]stateRow, error) {
	backward := filter.Before != ""
	bare := conditions{slices.Clone(where.parts), where.args}
	bare.add(`target_state.target IS NULL`)
	parts := []func(int) ([]stateRow, error){
		func(most int) ([]stateRow, error) {
			return t.sequence(ctx, byRank(filter.Order, backward), where, at, known && at.Recorded, most)
		},
		func(most int) ([]stateRow, error) {
			return t.sequence(ctx, byName(backward), bare, at, known && !at.Recorded, most)
		},
	}
	if backward {
		slices.Reverse(parts)
	}
	if known && at.Recorded == backward {
		parts = parts[1:] // the page is in the second part
	}
	var rows []stateRow
	for _, read := range parts {
		more, err := read(limit - len(rows))
		if rows = append(rows, more...); err != nil || len(rows) >= limit {
			return rows, err
		}
	}
	return rows, nil
}

// sequence reads rows in an order, from a neighbor on if it bounds them.
func (t tx) sequence(ctx context.Context, in sequence, where conditions, at neighbor, bounded bool, limit int) ([]stateRow, error) {
	where = conditions{slices.Clone(where.parts), slices.Clone(where.args)}
	if bounded {
		text, args := in.beyond(at)
		where.add(text, args...)
	}
	return all[stateRow](ctx, t, `SELECT `+summaryColumns+in.from+where.text()+` ORDER BY `+in.order+` LIMIT ?`, append(where.args, limit)...)
}
