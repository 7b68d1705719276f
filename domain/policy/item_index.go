package policy

import (
	"slices"
	"time"
)

// itemIndex finds the first item of a whitelist that matches a trigger id,
// without looking at them all: a whitelist can have thousands of items and an
// image thousands of matches. It holds the items of one gate.
type itemIndex struct {
	items map[int]*Item
	// exact are positions by trigger id, ascending.
	exact map[string][]int
	// prefixed are positions of wildcards and regular expressions by the text that
	// a trigger id must begin with, ascending; lengths are the different lengths of
	// these texts.
	prefixed map[string][]int
	lengths  []int
}

func newItemIndex() *itemIndex {
	return &itemIndex{items: map[int]*Item{}, exact: map[string][]int{}, prefixed: map[string][]int{}}
}

func (x *itemIndex) add(position int, item *Item) {
	x.items[position] = item
	if item.pattern.exact() {
		x.exact[item.TriggerID] = append(x.exact[item.TriggerID], position)
		return
	}
	prefix := item.pattern.prefix()
	x.prefixed[prefix] = append(x.prefixed[prefix], position)
}

// sort must be called after the last item was added.
func (x *itemIndex) sort() {
	for prefix := range x.prefixed {
		x.lengths = append(x.lengths, len(prefix))
	}
	slices.Sort(x.lengths)
	x.lengths = slices.Compact(x.lengths)
}

// search is one look-up in an index.
type search struct {
	index     *itemIndex
	id        string
	now       time.Time
	timeLimit *timeLimit
	first     int // position of the best item so far; -1 for none
	err       error
}

// find returns the first item that matches the id and has not expired, nil if
// there is none. Expressions that cannot be applied count as not matching; the
// first of their errors is returned beside the item.
func (x *itemIndex) find(id string, now time.Time, b *timeLimit) (*Item, error) {
	if x == nil {
		return nil, nil
	}
	s := search{index: x, id: id, now: now, timeLimit: b, first: -1}
	s.among(x.exact[id])
	for _, length := range x.lengths {
		if length <= len(id) {
			s.among(x.prefixed[id[:length]])
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	return x.items[s.first], s.err
}

func (s *search) among(positions []int) {
	for _, position := range positions {
		if s.first >= 0 && position >= s.first || !s.timeLimit.spend(elementWork) {
			return
		}
		item := s.index.items[position]
		if item.expired(s.now) {
			continue
		}
		matched, err := item.pattern.match(s.id, s.timeLimit)
		if err != nil && s.err == nil {
			s.err = err
		}
		if matched {
			s.first = position
			return
		}
	}
}

// all returns the positions of every item that matches the id, expired or not.
func (x *itemIndex) all(id string, b *timeLimit) ([]int, error) {
	if x == nil {
		return nil, nil
	}
	candidates := slices.Clone(x.exact[id])
	for _, length := range x.lengths {
		if length <= len(id) {
			candidates = append(candidates, x.prefixed[id[:length]]...)
		}
	}
	var positions []int
	for _, position := range candidates {
		matched, err := x.items[position].pattern.match(id, b)
		if err != nil {
			return nil, err
		}
		if matched {
			positions = append(positions, position)
		}
	}
	return positions, nil
}
