package store

import (
	"context"
	"slices"
	"strings"
)

// conditions collects what a query asks for.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) add(part string, args ...any) {
	c.parts = append(c.parts, part)
	c.args = append(c.args, args...)
}

// oneOf asks for rows whose column has one of the values; without values, for all.
func oneOf[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, value := range values {
		args[i] = string(value)
	}
	c.add(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// among asks for rows whose column has one of the values, however many there are; nil asks
// for all.
func (c *conditions) among(t tx, column string, values []string) error {
	if values == nil {
		return nil
	}
	list, err := format(values)
	read := `SELECT value FROM json_each(?)`
	if t.DriverName() == "postgres" {
		read = `SELECT json_array_elements_text(?::json)`
	}
	c.add(column+` IN (`+read+`)`, list)
	return err
}

// text is the WHERE clause, "" without conditions.
func (c *conditions) text() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// defaultLimit is how many rows a list has whose filter sets no limit.
const defaultLimit = 1000

func limitOf(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return limit
}

// convert turns rows into what they stand for.
func convert[Row, T any](rows []Row, one func(Row) (T, error)) ([]T, error) {
	values := make([]T, 0, len(rows))
	for _, row := range rows {
		value, err := one(row)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

type nameRow struct {
	ID   int64
	Name string
}

// names reads the sorted names of each of ids; the query calls its columns id
// and name.
func (t tx) names(ctx context.Context, query string, ids []int64) (map[int64][]string, error) {
	rows, err := allIn[nameRow](ctx, t, query, ids)
	names := make(map[int64][]string, len(ids))
	for _, row := range rows {
		names[row.ID] = append(names[row.ID], row.Name)
	}
	for _, list := range names {
		slices.Sort(list)
	}
	return names, err
}
