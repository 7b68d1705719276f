package pkgdb

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Types of pages and of entries of Berkeley DB. See src/dbinc/db_page.h of
// https://github.com/berkeleydb/libdb.
const (
	pageFree         = 0
	pageHashUnsorted = 2
	pageOverflow     = 7
	pageHashMeta     = 8
	pageHash         = 13
	entryOffPage     = 3

	pageHeader    = 26
	offPageLength = 12
)

// berkeley is a hash table of Berkeley DB, in which rpm kept its packages.
type berkeley struct {
	File
	file  io.ReaderAt
	order binary.ByteOrder
	page  []byte // the one that was read last
	last  uint32
	found int
}

// berkeleyOrder is the order of bytes, by the magic number; nil without it.
func berkeleyOrder(start []byte) binary.ByteOrder {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(start[12:]) == 0x00061561 {
			return order
		}
	}
	return nil
}

// checkBerkeley checks that all pages are there, are what they say, and that each
// package has all of its pages. A page that was never used is empty.
func checkBerkeley(f File, file io.ReaderAt, size int64) (int, error) {
	meta := make([]byte, 72)
	if _, err := file.ReadAt(meta, 0); err != nil {
		return 0, f.damaged("its head is cut")
	}
	order := berkeleyOrder(meta)
	pageSize, last := order.Uint32(meta[20:]), order.Uint32(meta[32:])
	if pageSize < 512 || pageSize > 65536 || pageSize&(pageSize-1) != 0 || meta[25] != pageHashMeta {
		return 0, f.damaged("its head is overwritten")
	}
	if whole := (int64(last) + 1) * int64(pageSize); size < whole {
		return 0, f.damaged("it is cut: %d bytes of %d", size, whole)
	}
	b := &berkeley{File: f, file: file, order: order, page: make([]byte, pageSize), last: last}
	for number := uint32(1); number <= last; number++ {
		if err := b.check(number); err != nil {
			return 0, err
		}
	}
	return b.found, nil
}

func (b *berkeley) read(number uint32) error {
	if _, err := b.file.ReadAt(b.page, int64(number)*int64(len(b.page))); err != nil {
		return b.damaged("page %d cannot be read", number)
	}
	return nil
}

func (b *berkeley) check(number uint32) error {
	if err := b.read(number); err != nil {
		return err
	}
	if len(bytes.TrimLeft(b.page, "\x00")) == 0 {
		return nil
	}
	if b.order.Uint32(b.page[8:]) != number {
		return b.damaged("page %d is overwritten", number)
	}
	switch b.page[25] {
	case pageFree, pageOverflow:
		return nil
	case pageHash, pageHashUnsorted:
		return b.checkHash(number)
	}
	return b.damaged("page %d is of a type that does not belong there: %d", number, b.page[25])
}

// checkHash follows the values of a page, every second entry, to the pages that
// hold them.
func (b *berkeley) checkHash(number uint32) error {
	page := bytes.Clone(b.page)
	entries := int(b.order.Uint16(page[20:]))
	if entries%2 != 0 || pageHeader+2*entries > len(page) {
		return b.damaged("page %d is overwritten", number)
	}
	for i := 1; i < entries; i += 2 {
		at := int(b.order.Uint16(page[pageHeader+2*i:]))
		if at >= len(page) {
			return b.damaged("page %d is overwritten", number)
		}
		if page[at] != entryOffPage {
			continue // no package, but the number that the next one gets
		}
		if at+offPageLength > len(page) {
			return b.damaged("page %d is overwritten", number)
		}
		if !b.whole(b.order.Uint32(page[at+4:]), int64(b.order.Uint32(page[at+8:]))) {
			return b.damaged("a package on page %d is cut or overwritten", number)
		}
		b.found = 1
	}
	return nil
}

// whole reports whether a chain of pages holds as many bytes as it should.
func (b *berkeley) whole(number uint32, length int64) bool {
	for steps := uint32(0); number != 0; steps++ {
		if steps > b.last || number > b.last || b.read(number) != nil || b.page[25] != pageOverflow {
			return false
		}
		length -= int64(b.order.Uint16(b.page[22:]))
		number = b.order.Uint32(b.page[16:])
	}
	return length == 0
}
