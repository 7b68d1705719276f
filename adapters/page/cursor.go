package page

import "strconv"

// Cursor is where a page of a list begins: behind a row or before one, by its key. The
// zero value is the first page.
type Cursor struct {
	After, Before string
	Limit         int // one more than the page shows, to see whether others follow
}

// cursor reads where a page of that many rows begins.
func (p *parameters) cursor(rows int) Cursor {
	c := Cursor{After: p.text("after"), Before: p.text("before"), Limit: rows + 1}
	if c.After != "" && c.Before != "" {
		p.fail(`The parameters "after" and "before" exclude each other.`)
	}
	return c
}

// window is the page of the rows that were read, with links to its neighbours.
func window[T any](p *parameters, path string, c Cursor, rows []T, key func(T) string) (shown []T, links pager) {
	more, backward := len(rows) == c.Limit, c.Before != ""
	switch {
	case more && backward:
		rows = rows[1:]
	case more:
		rows = rows[:len(rows)-1]
	}
	if len(rows) == 0 {
		return rows, links
	}
	if more && backward || c.After != "" {
		links.First = p.link(path, "after", "", "before", "")
		links.Previous = p.link(path, "after", "", "before", key(rows[0]))
	}
	if more || backward {
		links.Next = p.link(path, "before", "", "after", key(rows[len(rows)-1]))
	}
	return rows, links
}

// older is the page of rows that are listed from the newest to the oldest, which goes on
// before a number.
func older[T any](p *parameters, path string, limit int, rows []T, number func(T) int64) (shown []T, links pager) {
	if p.number("before") > 0 {
		links.First = p.link(path, "before", "")
	}
	if len(rows) > limit {
		rows = rows[:limit]
		links.Next = p.link(path, "before", strconv.FormatInt(number(rows[limit-1]), 10))
	}
	return rows, links
}
