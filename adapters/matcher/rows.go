package matcher

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// rowKind keeps the hashes of rows of different tables apart.
type rowKind byte

const (
	blobRow rowKind = iota + 1
	systemRow
	packageRow
	productRow
	aliasRow
	recordRow
	affectedRow
	unaffectedRow
	linkRow
	exploitRow
	weaknessRow
	globalRow // and those after it, one a table
)

// hash is the hash of a row.
type hash [16]byte

func (h hash) sum() vuln.Sum {
	return vuln.Sum{High: binary.BigEndian.Uint64(h[:]), Low: binary.BigEndian.Uint64(h[8:])}
}

func hashOf(s vuln.Sum) (h hash) {
	binary.BigEndian.PutUint64(h[:], s.High)
	binary.BigEndian.PutUint64(h[8:], s.Low)
	return h
}

// hashFields hashes the columns of a row. Lengths go in, so that text cannot move
// from one column into the next; an absent value is not an empty one.
func hashFields(kind rowKind, fields []driver.Value) hash {
	var space [1024]byte
	text := append(space[:0], byte(kind))
	for _, field := range fields {
		switch value := field.(type) {
		case nil:
			text = append(text, 0)
		case string:
			text = append(binary.AppendUvarint(text, uint64(len(value))+1), value...)
		case []byte:
			text = append(binary.AppendUvarint(text, uint64(len(value))+1), value...)
		case int64:
			text = binary.AppendVarint(append(text, 1), value)
		case time.Time:
			text = binary.AppendVarint(append(text, 1), value.UnixNano())
		default:
			text = fmt.Append(text, value)
		}
	}
	return shorten(sha256.Sum256(text))
}

// hashParts hashes hashes.
func hashParts(kind rowKind, parts ...hash) hash {
	var space [1 + 4*len(hash{})]byte
	text := append(space[:0], byte(kind))
	for _, part := range parts {
		text = append(text, part[:]...)
	}
	return shorten(sha256.Sum256(text))
}

func shorten(full [sha256.Size]byte) hash { return hash(full[:len(hash{})]) }

// text reads a column that is never absent.
func text(field driver.Value) string {
	switch value := field.(type) {
	case string:
		return value
	case []byte:
		return string(value)
	case int64:
		return strconv.FormatInt(value, 10)
	}
	return ""
}

// number reads a column of row ids; no row has the id 0.
func number(field driver.Value) int64 {
	value, _ := field.(int64)
	return value
}

// pair reads two row ids that a query has packed into one column with [packed]: the
// driver takes more time for a column than SQLite does for that.
func pair(field driver.Value) (a, b int64) {
	both := number(field)
	return both >> 32, both & (maxRow - 1)
}

// packed is a column of two row ids, of which either may be absent.
func packed(a, b string) string {
	return fmt.Sprintf("coalesce(%s, 0) << 32 | coalesce(%s, 0)", a, b)
}

// plain is a text column that the driver takes as it is. It would ask for the declared
// type of any other in each row, and try nine formats on those of times.
func plain(text string) string { return "CAST(" + text + " AS BLOB)" }

const (
	// maxRow bounds row ids.
	maxRow = 1 << 31
	// rowPage is how many row ids are read together. So many rows are in memory at a
	// time, for each core.
	rowPage = 1 << 14
)

// byRow keeps something of each row of a table, by its id. Rows of different pages may
// be set at the same time.
type byRow[T any] struct{ pages []*[rowPage]T }

func (b *byRow[T]) set(id int64, value T) {
	page := &b.pages[id/rowPage]
	if *page == nil {
		*page = new([rowPage]T)
	}
	(*page)[id%rowPage] = value
}

// get returns the zero value for a row that is not there.
func (b *byRow[T]) get(id int64) (value T) {
	if at := id / rowPage; at < int64(len(b.pages)) && b.pages[at] != nil {
		return b.pages[at][id%rowPage]
	}
	return value
}

// all are the rows of all pages that were set, and others of these pages with the zero
// value.
func (b *byRow[T]) all() iter.Seq2[int64, T] {
	return func(yield func(int64, T) bool) {
		for at, page := range b.pages {
			for i := 0; page != nil && i < rowPage; i++ {
				if !yield(int64(at)*rowPage+int64(i), page[i]) {
					return
				}
			}
		}
	}
}

// grow makes room for ids up to the last.
func (b *byRow[T]) grow(last int64) { b.pages = make([]*[rowPage]T, last/rowPage+1) }

// scan reads all rows of a table, in pages, on all cores. Before, it tells prepare the
// last id. For each page, start returns who takes the rows, which must not keep the
// fields, and who is told of the end.
func (d *Database) scan(ctx context.Context, columns, table string, prepare func(last int64), start func() (each func(fields []driver.Value), end func())) error {
	last, err := d.lastRow(ctx, table)
	if err != nil {
		return err
	}
	prepare(last)
	query := "SELECT " + columns + " FROM " + table + " WHERE rowid >= ? AND rowid < ?"
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(cap(d.free))
	for first := int64(0); first <= last; first += rowPage {
		workers.Go(func() error {
			each, end := start()
			defer end()
			return d.rows(ctx, query, each, first, first+rowPage)
		})
	}
	return workers.Wait()
}

// lastRow is the largest row id of a table; 0 without any.
func (d *Database) lastRow(ctx context.Context, table string) (last int64, err error) {
	err = d.rows(ctx, "SELECT coalesce(max(rowid), 0) FROM "+table, func(fields []driver.Value) { last = number(fields[0]) })
	if err == nil && (last < 0 || last >= maxRow) {
		return 0, fmt.Errorf("table %s has a row %d: %w", table, last, errkind.Invalid)
	}
	return last, err
}

// rows reads rows with a reader of its own.
func (d *Database) rows(ctx context.Context, query string, each func(fields []driver.Value), arguments ...int64) error {
	reader, err := d.take(ctx)
	if err != nil {
		return err
	}
	defer func() { d.free <- reader }()
	if err := reader.rows(ctx, query, each, arguments); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

// rows asks the driver itself: package sql would take as much time again.
func (r *reader) rows(ctx context.Context, query string, each func(fields []driver.Value), arguments []int64) error {
	db, err := r.GetDB().DB()
	if err != nil {
		return err
	}
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	named := make([]driver.NamedValue, len(arguments))
	for i, argument := range arguments {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: argument}
	}
	err = connection.Raw(func(own any) error {
		rows, err := own.(driver.QueryerContext).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		fields := make([]driver.Value, len(rows.Columns()))
		for err == nil {
			if err = rows.Next(fields); err == nil {
				each(fields)
			}
		}
		if err == io.EOF {
			err = nil
		}
		return errors.Join(err, rows.Close())
	})
	return errors.Join(err, connection.Close())
}
