package vuln

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Sum is the sum of the hashes of a set of rows: it does not depend on their
// order.
type Sum struct{ Low, High uint64 }

// Plus adds two sums.
func (s Sum) Plus(other Sum) Sum { return Sum{s.Low + other.Low, s.High + other.High} }

// SumKey is the hash of a name of data. A collision only makes Delta report more than
// changed, never less.
type SumKey uint64

// NameKey is the key of data about packages of a name, in any case.
func NameKey(name string) SumKey { return sumKey("key\x00", name) }

// ProductKey is the key of data about CPEs of a product, in any case. In
// Group.Keys a product is written with ProductPrefix.
func ProductKey(product string) SumKey { return NameKey(ProductPrefix + product) }

// RefKey is the key of data about a vulnerability by its id, in any case.
func RefKey(id string) SumKey { return sumKey("ref\x00", id) }

// ProductPrefix distinguishes products of CPEs from package names in Group.Keys.
const ProductPrefix = "cpe:"

func sumKey(kind, name string) SumKey {
	h := fnv.New64a()
	h.Write([]byte(kind))
	h.Write([]byte(strings.ToLower(name)))
	return SumKey(h.Sum64())
}

// Sums are the fingerprint of a build by name: the sums of two builds are enough to find
// the data that differs.
type Sums struct {
	// Layout is the version of the sums' content; those of another layout, or of none (0),
	// cannot be compared.
	Layout uint32
	// Global covers data that all matches depend on, such as aliases of distributions.
	Global Sum
	Keys   map[SumKey]Sum
}

// NewSums returns sums of no rows.
func NewSums(layout uint32) *Sums { return &Sums{Layout: layout, Keys: map[SumKey]Sum{}} }

// Add counts one row under a key.
func (s *Sums) Add(key SumKey, row Sum) { s.Keys[key] = s.Keys[key].Plus(row) }

// AddGlobal counts one row about every package.
func (s *Sums) AddGlobal(row Sum) { s.Global = s.Global.Plus(row) }

// sumsMagic begins every encoding; its last byte is the encoding's version.
const sumsMagic = "tagwatch sums\x01"

const sumsEntry = 24 // bytes of a key and its sum

// MarshalBinary encodes the sums in about 24 bytes a key; equal sums give equal
// bytes.
func (s *Sums) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, len(sumsMagic)+sumsEntry*(len(s.Keys)+1))
	out = append(out, sumsMagic...)
	out = binary.BigEndian.AppendUint32(out, s.Layout)
	out = appendSum(out, s.Global)
	for _, key := range slices.Sorted(maps.Keys(s.Keys)) {
		out = binary.BigEndian.AppendUint64(out, uint64(key))
		out = appendSum(out, s.Keys[key])
	}
	return out, nil
}

// UnmarshalBinary decodes the output of MarshalBinary. That of another version becomes
// sums of no layout, which touch everything when compared.
func (s *Sums) UnmarshalBinary(data []byte) error {
	const head = len(sumsMagic) + 4 + 16
	if len(data) < head || string(data[:len(sumsMagic)]) != sumsMagic {
		*s = *NewSums(0)
		return nil
	}
	if (len(data)-head)%sumsEntry != 0 {
		return fmt.Errorf("decode sums of %d bytes: the end is cut off: %w", len(data), errkind.Invalid)
	}
	s.Layout = binary.BigEndian.Uint32(data[len(sumsMagic):])
	s.Global = readSum(data[head-16:])
	s.Keys = make(map[SumKey]Sum, (len(data)-head)/sumsEntry)
	for entry := range slices.Chunk(data[head:], sumsEntry) {
		s.Keys[SumKey(binary.BigEndian.Uint64(entry))] = readSum(entry[8:])
	}
	return nil
}

func appendSum(out []byte, s Sum) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(out, s.High), s.Low)
}

func readSum(data []byte) Sum {
	return Sum{High: binary.BigEndian.Uint64(data), Low: binary.BigEndian.Uint64(data[8:])}
}
