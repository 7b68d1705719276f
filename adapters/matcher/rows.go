package matcher

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strconv"

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

// hashTexts hashes the columns of a row. Lengths go in, so that text cannot move
// from one column into the next; an absent value is not an empty one.
func hashTexts(kind rowKind, fields []sql.RawBytes) hash {
	var space [512]byte
	text := append(space[:0], byte(kind))
	for _, field := range fields {
		if field == nil {
			text = append(text, 0)
			continue
		}
		text = binary.AppendUvarint(text, uint64(len(field))+1)
		text = append(text, field...)
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

func number(field sql.RawBytes) int64 {
	n, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil {
		return 0 // no row has this id
	}
	return n
}

// table reads rows without keeping them.
type table struct {
	ctx context.Context
	db  *sql.DB
}

// texts reads rows of a number and texts; each must not keep the texts.
func (t table) texts(query string, each func(id int64, fields []sql.RawBytes)) error {
	var id int64
	var fields []sql.RawBytes
	return t.read(query, func(columns int) []any {
		fields = make([]sql.RawBytes, columns-1)
		return append([]any{&id}, pointers(fields)...)
	}, func() { each(id, fields) })
}

// numbers reads rows of numbers.
func (t table) numbers(query string, each func([]int64)) error {
	var values []int64
	return t.read(query, func(columns int) []any {
		values = make([]int64, columns)
		return pointers(values)
	}, func() { each(values) })
}

func pointers[T any](values []T) []any {
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	return into
}

// read calls each after every row, once the row is in the variables of into.
func (t table) read(query string, into func(columns int) []any, each func()) error {
	rows, err := t.db.QueryContext(t.ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err reports what matters
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	variables := into(len(columns))
	for rows.Next() {
		if err := rows.Scan(variables...); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		each()
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}
