package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Expected says which settings a change is based on, by their editions. The zero value
// expects nothing.
type Expected struct {
	// Any expects that there are settings, whichever they are.
	Any bool
	// Editions expects one of these; nil does not.
	Editions []int64
	// Hashes expects one of these contents, of a bundle; nil does not.
	Hashes []string
}

// admits reports whether settings of that edition are expected; 0 stands for none.
func (e Expected) admits(edition int64) bool {
	return e.Editions == nil && (!e.Any || edition != 0) || edition != 0 && slices.Contains(e.Editions, edition)
}

// admitsContent reports whether a bundle with that hash is expected; "" stands for none.
func (e Expected) admitsContent(hash string) bool {
	return e.Hashes == nil && (!e.Any || hash != "") || hash != "" && slices.Contains(e.Hashes, hash)
}

// ErrChanged refuses a change that is based on other settings than those that are stored.
var ErrChanged = fmt.Errorf("it was changed or deleted meanwhile: %w", errkind.Conflict)

// Expecting is the store for a change of the expected settings: other ones stay as they
// are, and the change ends with ErrChanged.
func (s *Store) Expecting(expected Expected) *Store {
	conditional := *s
	conditional.expected = expected
	return &conditional
}

// edit begins a change of the settings of a row, and returns the edition that they get.
// Changes of settings pass the counter one by one, so that none is based on what another
// one is about to replace, or on a row that it is about to make.
func (t tx) edit(ctx context.Context, table, name string) (edition int64, err error) {
	if edition, err = t.reserve(ctx, "edition", 1); err != nil {
		return 0, err
	}
	stored, _, err := first[int64](ctx, t, `SELECT edition FROM `+table+` WHERE name = ?`+t.locking, name)
	if err == nil && !t.expected.admits(stored) {
		err = ErrChanged
	}
	return edition, err
}
