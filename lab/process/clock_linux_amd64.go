package process

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// ShiftClock moves the clock of one running Go program, and of nothing else, until
// restore is called. Timers, which follow the monotonic clock, go on as they do
// when the clock of a machine is set.
//
// Go asks for the time by a function that the kernel maps into each process (the
// vDSO) and whose address it keeps in a variable. This writes another function to
// the unused end of that mapping, of which the process gets a copy of its own, and
// its address into the variable.
func ShiftClock(pid int, by time.Duration) (restore func() error, err error) {
	memory, err := os.OpenFile(path(pid, "mem"), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	unshift, err := shiftClock(memory, pid, by)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shift the clock of process %d: %w", pid, err), memory.Close())
	}
	return func() error { return errors.Join(unshift(), memory.Close()) }, nil
}

func shiftClock(memory *os.File, pid int, by time.Duration) (unshift func() error, err error) {
	all, err := mappings(pid)
	if err != nil {
		return nil, err
	}
	original, end, err := clockFunction(memory, all)
	if err != nil {
		return nil, err
	}
	variable, err := pointerTo(memory, all, original)
	if err != nil {
		return nil, err
	}
	shifted := clockCode(by)
	start := end - uint64(len(shifted))
	if _, err := memory.WriteAt(shifted, int64(start)); err != nil {
		return nil, err
	}
	set := func(address uint64) error {
		// No thread reads the variable while it is written.
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		_, err := memory.WriteAt(binary.LittleEndian.AppendUint64(nil, address), int64(variable))
		return errors.Join(err, syscall.Kill(pid, syscall.SIGCONT))
	}
	return func() error { return set(original) }, set(start)
}

// clockFunction finds the function of the vDSO that tells the time, and the end of
// the vDSO.
func clockFunction(memory *os.File, all []mapping) (address, end uint64, err error) {
	for _, m := range all {
		if m.name != "[vdso]" {
			continue
		}
		content := make([]byte, m.end-m.start)
		if _, err := memory.ReadAt(content, int64(m.start)); err != nil {
			return 0, 0, err
		}
		library, err := elf.NewFile(bytes.NewReader(content))
		if err != nil {
			return 0, 0, err
		}
		symbols, err := library.DynamicSymbols()
		if err != nil {
			return 0, 0, err
		}
		for _, symbol := range symbols {
			if symbol.Name == "__vdso_clock_gettime" {
				return m.start + symbol.Value, m.end, nil
			}
		}
	}
	return 0, 0, errors.New("the kernel gives it no function that tells the time")
}

// pointerTo finds the only variable that holds an address.
func pointerTo(memory *os.File, all []mapping, address uint64) (uint64, error) {
	wanted := binary.LittleEndian.AppendUint64(nil, address)
	var found []uint64
	var program mapping // the last part of it
	for _, m := range all {
		// Variables without a value at first follow those of the program's file.
		if !strings.HasPrefix(m.name, "/") && (m.name != "" || m.start != program.end) {
			continue
		}
		program = m
		if !m.writable {
			continue
		}
		content := make([]byte, m.end-m.start)
		if _, err := memory.ReadAt(content, int64(m.start)); err != nil {
			return 0, err
		}
		for at := 0; at+8 <= len(content); at += 8 {
			if bytes.Equal(content[at:at+8], wanted) {
				found = append(found, m.start+uint64(at))
			}
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%d variables hold the address of the function that tells the time, want 1", len(found))
	}
	return found[0], nil
}

// clockCode is clock_gettime(2), which adds to the seconds of CLOCK_REALTIME.
func clockCode(by time.Duration) []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: the clock
		0x75, 0x07, // jne to the end
		0x48, 0x81, 0x06, // add qword [rsi], the seconds
	}
	code = binary.LittleEndian.AppendUint32(code, uint32(int32(by/time.Second)))
	return append(code, 0xc3) // ret
}
