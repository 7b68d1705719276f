package sums

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

func TestBundle(t *testing.T) {
	t.Parallel()
	marker := string(bundleMarker)
	fill := func(n int) string { return "\x7fELF" + string(bytes.Repeat(bundleMarker[:1], n)) }
	for _, test := range []struct{ name, content, want string }{
		{"nothing", "", MayBeBundle},
		{"no ELF file", "#!/bin/sh\n", MayBeBundle},
		{"less than the marker", fill(1), NoBundle},
		{"without", fill(500), NoBundle},
		{"the marker alone", "\x7fELF" + marker, MayBeBundle},
		{"at the end", fill(300) + marker, MayBeBundle},
		{"in the middle", fill(300) + marker + fill(300), MayBeBundle},
		{"cut off", fill(300) + marker[:len(marker)-1], NoBundle},
		{"after a part of it", fill(100) + marker[:20] + marker + fill(7), MayBeBundle},
	} {
		for _, size := range []int{4, 5, 31, 32, 33, 100, 10_000} {
			sum := Bundle.New()
			for part := range slices.Chunk([]byte(test.content), size) {
				if n, err := sum.Write(part); n != len(part) || err != nil {
					t.Errorf("%d bytes written, %v", n, err)
				}
			}
			if got := hex.EncodeToString(sum.Sum(nil)); got != test.want {
				t.Errorf("%s, %d bytes at a time: %s, want %s", test.name, size, got, test.want)
			}
			sum.Reset()
			if got := hex.EncodeToString(sum.Sum(nil)); got != MayBeBundle {
				t.Errorf("%s: %s after Reset, want %s", test.name, got, MayBeBundle)
			}
		}
	}
}
