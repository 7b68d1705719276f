package pkgdb

import (
	"encoding/binary"
	"hash/adler32"
	"io"
)

// Sizes of rpm's ndb, in bytes. See lib/backend/ndb/rpmpkg.c of
// https://github.com/rpm-software-management/rpm.
const (
	ndbPage     = 4096
	ndbHead     = 32 // of the file: the place of the first two slots
	ndbSlot     = 16
	ndbBlock    = 16
	ndbBlobHead = 16
	ndbBlobTail = 12
	ndbMaxPages = 2048
)

// checkNDB checks that each slot leads to a whole package.
func checkNDB(f File, file io.ReaderAt, size int64) (int, error) {
	head := make([]byte, ndbHead)
	if _, err := file.ReadAt(head, 0); err != nil {
		return 0, f.damaged("its head is cut")
	}
	pages := binary.LittleEndian.Uint32(head[12:])
	if pages == 0 || pages > ndbMaxPages || int64(pages)*ndbPage > size {
		return 0, f.damaged("it has %d bytes, too few for %d pages of slots", size, pages)
	}
	slots := make([]byte, int(pages)*ndbPage-ndbHead)
	if _, err := file.ReadAt(slots, ndbHead); err != nil {
		return 0, f.damaged("its slots are cut")
	}
	found := 0
	for i := 0; i+ndbSlot <= len(slots); i += ndbSlot {
		slot := slots[i : i+ndbSlot]
		if string(slot[:4]) != "Slot" {
			return 0, f.damaged("slot %d is overwritten", i/ndbSlot)
		}
		number := binary.LittleEndian.Uint32(slot[4:])
		if number == 0 {
			continue
		}
		if !wholeBlob(file, slot, size) {
			return 0, f.damaged("package %d is cut or overwritten", number)
		}
		found = 1
	}
	return found, nil
}

// wholeBlob reports whether the package of a slot is there and has its checksum.
func wholeBlob(file io.ReaderAt, slot []byte, size int64) bool {
	offset := int64(binary.LittleEndian.Uint32(slot[8:])) * ndbBlock
	length := int64(binary.LittleEndian.Uint32(slot[12:])) * ndbBlock
	if length < ndbBlobHead+ndbBlobTail || offset+length > size {
		return false
	}
	blob := make([]byte, length)
	if _, err := file.ReadAt(blob, offset); err != nil {
		return false
	}
	tail := blob[length-ndbBlobTail:]
	return string(blob[:4]) == "BlbS" && string(blob[4:8]) == string(slot[4:8]) && string(tail[8:]) == "BlbE" &&
		binary.LittleEndian.Uint32(tail) == adler32.Checksum(blob[:length-ndbBlobTail])
}
