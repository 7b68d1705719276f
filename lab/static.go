package lab

import (
	"bytes"
	"encoding/binary"
)

// StaticBinary is an image's only content: a statically linked program that no
// package database lists.
func StaticBinary(path string) Part {
	return func(r *recipe) error { return r.add(copyTo(path), Executable(path, staticELF)) }
}

// Lasting is a program of a few bytes, for linux/amd64, which the image runs: it lasts
// until it is killed.
func Lasting(r *recipe) error {
	if err := r.add(copyTo("/last"), Executable("/last", assembleELF(pause))); err != nil {
		return err
	}
	return Entrypoint("/last")(r)
}

// staticELF is a complete ELF program for linux/amd64 that ends at once with
// status 0: the file header, one program header and nine bytes of code.
var staticELF = assembleELF(exit)

var exit = []byte{
	0x31, 0xff, // xor edi, edi
	0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, 60 (exit)
	0x0f, 0x05, // syscall
}

var pause = []byte{
	0xb8, 0x22, 0x00, 0x00, 0x00, // mov eax, 34 (pause)
	0x0f, 0x05, // syscall
	0xeb, 0xf7, // jmp to the start
}

// assembleELF puts headers before code. Layout: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html.
func assembleELF(code []byte) []byte {
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(code))
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}) // 64 bit, little endian
	write := func(values ...any) {
		for _, value := range values {
			_ = binary.Write(&b, binary.LittleEndian, value) // a bytes.Buffer takes everything
		}
	}
	write(uint16(2), uint16(62), uint32(1))            // executable, x86-64, version
	write(uint64(base+headers), uint64(64), uint64(0)) // entry, program headers, no section headers
	write(uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0))
	write(uint32(1), uint32(5), uint64(0)) // load, readable and executable, from the start of the file
	write(uint64(base), uint64(base), size, size, uint64(0x1000))
	b.Write(code)
	return b.Bytes()
}
