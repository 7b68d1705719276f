//go:build linux

package sandbox_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
)

func init() {
	behaviours["meets the wall"] = meetWall
	behaviours["counts files"] = func() {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			panic(err)
		}
		fmt.Println(limit.Cur, limit.Max)
	}
}

// meetWall says what is possible in a folder that may be read, in another, and in
// its own.
func meetWall() {
	readable, secret := os.Args[2], os.Args[3]
	if err := landlock.Raise(readable); err != nil {
		panic(err)
	}
	say := func(what string, err error) {
		// Landlock refuses a link out of a folder as one between file systems.
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.EXDEV) {
			panic(err)
		}
		fmt.Println(what, err == nil)
	}
	_, err := os.ReadFile(filepath.Join(readable, "layer.tar"))
	say("read a layer", err)
	say("write a layer", os.WriteFile(filepath.Join(readable, "layer.tar"), nil, 0o600))
	say("cut a layer", os.Truncate(filepath.Join(readable, "layer.tar"), 1))
	say("remove a layer", os.Remove(filepath.Join(readable, "layer.tar")))
	say("move a layer", os.Rename(filepath.Join(readable, "layer.tar"), "mine"))
	_, err = os.ReadFile(filepath.Join(secret, "tagwatch.db"))
	say("read the database", err)
	say("link the database", os.Link(filepath.Join(secret, "tagwatch.db"), "mine"))
	say("write beside it", os.WriteFile(filepath.Join(secret, "new"), nil, 0o600))
	_, err = os.ReadDir(secret)
	say("list its folder", err)
	_, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
	say("read the worker's environment", err)
	if err := os.Symlink(filepath.Join(secret, "tagwatch.db"), "link"); err != nil {
		panic(err)
	}
	_, err = os.ReadFile("link")
	say("read through a link", err)
	say("run a shell", exec.Command("/bin/sh", "-c", "true").Run())
	say("write at home", os.WriteFile("own", []byte("x"), 0o600))
	_, err = os.ReadFile("own")
	say("read at home", err)
	say("make a folder at home", os.Mkdir("folder", 0o700))
	say("move at home", os.Rename("own", "folder/own"))
	// Every thread stands behind the wall.
	done := make(chan error)
	for range 20 {
		go func() {
			_, err := os.ReadFile(filepath.Join(secret, "tagwatch.db"))
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; !errors.Is(err, fs.ErrPermission) {
			fmt.Println("a thread reads the database", err)
		}
	}
}

// TestWall: a child reads its layers and writes its own folder, and that is all:
// neither the worker's database nor its environment.
func TestWall(t *testing.T) {
	t.Parallel()
	if !landlock.Possible() {
		t.Skip("this kernel has no Landlock")
	}
	readable, secret := t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(readable, "layer.tar"), filepath.Join(secret, "tagwatch.db")} {
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines, _, err := run(t, t.Context(), ample, nil, "meets the wall", readable, secret)
	want := []string{"read a layer true", "write a layer false", "cut a layer false", "remove a layer false", "move a layer false",
		"read the database false", "link the database false", "write beside it false", "list its folder false", "read the worker's environment false",
		"read through a link false", "run a shell false",
		"write at home true", "read at home true", "make a folder at home true", "move at home true"}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%v\n%s", err, strings.Join(lines, "\n"))
	}
}

// TestLowerLimitThatIsThere: a machine that allows fewer open files than the child
// may have does not keep it from starting.
func TestLowerLimitThatIsThere(t *testing.T) {
	t.Parallel()
	lines, _, err := run(t, t.Context(), ample, nil, "counts files", "few files")
	if want := []string{"100 100"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("limits %q, %v; want %q", lines, err, want)
	}
}
