package sums

import (
	"bytes"
	"hash"
)

// The one byte that Bundle gives for a file, in hexadecimal.
const (
	NoBundle    = "00" // an ELF file without the marker
	MayBeBundle = "01"
)

// bundleMarker is in each executable that .NET can pack an application into:
// src/native/corehost/apphost/bundle_marker.cpp of
// https://github.com/dotnet/runtime.
var bundleMarker = []byte{
	0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
	0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
}

var elfMagic = []byte("\x7fELF")

// bundle searches an ELF file for the marker.
type bundle struct {
	begun, may bool
	edge       []byte // the end of what was written, where the marker may begin
}

func newBundle() hash.Hash { return &bundle{may: true} }

// Write implements io.Writer.
func (b *bundle) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !b.begun {
		b.begun, b.may = true, !bytes.HasPrefix(p, elfMagic)
	}
	if !b.may {
		beside := len(bundleMarker) - 1
		b.edge = append(b.edge, p[:min(beside, len(p))]...)
		b.may = bytes.Contains(b.edge, bundleMarker) || bytes.Contains(p, bundleMarker)
		if len(p) > beside {
			b.edge = append(b.edge[:0], p[len(p)-beside:]...)
		} else if surplus := len(b.edge) - beside; surplus > 0 {
			b.edge = append(b.edge[:0], b.edge[surplus:]...)
		}
	}
	return len(p), nil
}

// Sum implements hash.Hash.
func (b *bundle) Sum(sum []byte) []byte {
	if b.may {
		return append(sum, 1)
	}
	return append(sum, 0)
}

// Reset implements hash.Hash.
func (b *bundle) Reset() { *b = bundle{may: true, edge: b.edge[:0]} }

// Size implements hash.Hash.
func (b *bundle) Size() int { return 1 }

// BlockSize implements hash.Hash.
func (b *bundle) BlockSize() int { return 1 }
