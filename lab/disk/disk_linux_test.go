package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tagwatch/tagwatch/lab/disk"
)

func TestFull(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "disk")
	d, err := disk.Mount(dir)
	if errors.Is(err, syscall.EPERM) {
		t.Log("not permitted here, which is what Mount is to say:", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	write := func(name string, size int) error {
		return os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600)
	}
	if err := write("first", 1<<20); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		fill func() error
		size int
	}{
		{"no room", d.Fill, 1},
		{"no inodes", d.FillInodes, 0},
	}
	for _, test := range tests {
		if err := test.fill(); err != nil {
			t.Fatal(err)
		}
		if err := write(test.name, test.size); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: writing ends with %v", test.name, err)
		}
		if err := d.Free(); err != nil {
			t.Fatal(err)
		}
		if err := write(test.name, 1<<20); err != nil {
			t.Errorf("%s: afterwards, writing ends with %v", test.name, err)
		}
	}
}
