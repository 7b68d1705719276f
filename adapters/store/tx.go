package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
)

// tx is one transaction. Statements are written with ? for parameters.
type tx struct {
	*sqlx.Tx
	locking string
	// trail is what the transaction says of itself.
	trail *trail
	// expected are the settings that the change is based on.
	expected Expected
}

// repetitions bounds how often a transaction that PostgreSQL gave up is run.
const repetitions = 5

// change runs do in a transaction that is either stored whole or not at all.
// It may run do more than once.
func (s *Store) change(ctx context.Context, doing string, do func(tx) error) error {
	err := s.attempt(ctx, do)
	for n := 1; n < repetitions && repeatable(err); n++ {
		err = s.attempt(ctx, do)
	}
	return s.because(ctx, doing, err)
}

func (s *Store) attempt(ctx context.Context, do func(tx) error) error {
	return inside(ctx, s.writing, nil, s.locking, func(t tx) error {
		t.expected = s.expected
		if err := do(t); err != nil {
			return err
		}
		return t.trail.check(ctx)
	})
}

// view runs do in a transaction that sees one state of the database.
func (s *Store) view(ctx context.Context, doing string, do func(tx) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if s.reading.DriverName() == "postgres" {
		options.Isolation = sql.LevelRepeatableRead // SQLite always isolates
	}
	return s.because(ctx, doing, inside(ctx, s.reading, options, "", do))
}

func inside(ctx context.Context, pool *sqlx.DB, options *sql.TxOptions, locking string, do func(tx) error) error {
	begun, err := pool.BeginTxx(ctx, options)
	if err != nil {
		return err
	}
	defer begun.Rollback() // of no effect after Commit
	if err := do(tx{Tx: begun, locking: locking, trail: &trail{}}); err != nil {
		return err
	}
	return begun.Commit()
}

// because prefers the context's end over what the driver made of it.
func (s *Store) because(ctx context.Context, doing string, err error) error {
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return s.explain(doing, err)
}

// exec runs a statement and returns how many rows it touched.
func (t tx) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, t.Rebind(statement), clean(args)...)
	if err != nil {
		return 0, err
	}
	touched, err := result.RowsAffected()
	t.trail.wrote = t.trail.wrote || touched > 0
	return touched, err
}

// run is exec for those who do not count rows.
func (t tx) run(ctx context.Context, statement string, args ...any) error {
	_, err := t.exec(ctx, statement, args...)
	return err
}

// one reads exactly one row, of one column unless T is a struct;
// sql.ErrNoRows without.
func one[T any](ctx context.Context, t tx, query string, args ...any) (T, error) {
	var row T
	err := t.GetContext(ctx, &row, t.Rebind(query), clean(args)...)
	return row, err
}

// first is one for rows that may be absent: then found is false.
func first[T any](ctx context.Context, t tx, query string, args ...any) (row T, found bool, err error) {
	row, err = one[T](ctx, t, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return row, false, nil
	}
	return row, err == nil, err
}

func all[T any](ctx context.Context, t tx, query string, args ...any) ([]T, error) {
	var rows []T
	err := t.SelectContext(ctx, &rows, t.Rebind(query), clean(args)...)
	return rows, err
}

// How many keys or parameters one statement gets. The driver of SQLite checks
// through all parameters for each of them, so many make it slow.
const (
	keyChunk       = 300
	parameterChunk = 600
)

// allIn reads the rows for each of keys, which stand for the only (?) of the
// query; other parameters stand before it.
func allIn[T, K any](ctx context.Context, t tx, query string, keys []K, before ...any) ([]T, error) {
	var rows []T
	for part := range slices.Chunk(keys, keyChunk) {
		expanded, args, err := sqlx.In(query, append(slices.Clone(before), part)...)
		if err != nil {
			return nil, err
		}
		found, err := all[T](ctx, t, expanded, args...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// runIn is allIn for a statement.
func runIn[K any](ctx context.Context, t tx, statement string, keys []K, before ...any) error {
	for part := range slices.Chunk(keys, keyChunk) {
		expanded, args, err := sqlx.In(statement, append(slices.Clone(before), part)...)
		if err != nil {
			return err
		}
		if err := t.run(ctx, expanded, args...); err != nil {
			return err
		}
	}
	return nil
}

// insert adds rows in few statements. Into is the table with its columns;
// conflict is what to do with rows that are there, as in "ON CONFLICT DO NOTHING".
func (t tx) insert(ctx context.Context, into string, rows [][]any, conflict string) error {
	if len(rows) == 0 {
		return nil
	}
	width := len(rows[0])
	for part := range slices.Chunk(rows, parameterChunk/width) {
		statement := fmt.Sprintf("INSERT INTO %s VALUES %s %s", into, placeholders(len(part), width), conflict)
		if err := t.run(ctx, statement, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

// update changes a row of a table for each of rows, in few statements. The values of a
// row are texts and int64 numbers, and are column1, column2 and so on in set and where.
func (t tx) update(ctx context.Context, set, where string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	typed := make([]string, len(rows[0]))
	for i, value := range rows[0] {
		typed[i] = "CAST(? AS TEXT)" // PostgreSQL does not know the type of a parameter here
		if _, number := value.(int64); number {
			typed[i] = "CAST(? AS BIGINT)"
		}
	}
	row := "(" + strings.Join(typed, ", ") + ")"
	for part := range slices.Chunk(rows, parameterChunk/len(typed)) {
		values := strings.Repeat(row+", ", len(part)-1) + row
		statement := set + " FROM (VALUES " + values + ") AS given WHERE " + where
		if err := t.run(ctx, statement, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

// reserve takes n numbers of a counter and returns the first. Until the end of
// the transaction others wait, so numbers become visible in their order, which a
// sequence of PostgreSQL does not promise.
func (t tx) reserve(ctx context.Context, counter string, n int) (int64, error) {
	last, err := one[int64](ctx, t, `UPDATE counter SET value = value + ? WHERE name = ? RETURNING value`, n, counter)
	return last - int64(n) + 1, err
}

// placeholders is (?, ?), (?, ?) for two rows of two columns.
func placeholders(rows, width int) string {
	row := "(" + strings.Repeat("?, ", width-1) + "?)"
	return strings.Repeat(row+", ", rows-1) + row
}

// clean replaces what PostgreSQL refuses in texts, invalid UTF-8 and NUL: names
// in images and answers of servers may hold anything.
func clean(args []any) []any {
	cleaned := slices.Clone(args)
	for i, arg := range cleaned {
		if text, ok := arg.(string); ok {
			cleaned[i] = cleanText(text)
		}
	}
	return cleaned
}

func cleanText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
