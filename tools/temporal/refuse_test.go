package main

import (
	"bytes"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestSecondServerOnTheSameDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running := start(t, "--data-dir", dir)

	message := refused(t, "--data-dir", dir, "--port=0", "--ui-port=0")

	wantWords(t, message, dir, strconv.Itoa(running.PID), "--data-dir")
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	tests := map[string]struct {
		args []string
		flag string
	}{
		"of gRPC":       {[]string{"--port", port, "--ui-port=0"}, "--port " + port},
		"of the Web UI": {[]string{"--port=0", "--ui-port", port}, "--ui-port " + port},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := refused(t, append(test.args, "--in-memory")...)

			wantWords(t, message, test.flag, "address already in use")
		})
	}
}

func TestUnusableDatabase(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(t *testing.T, path string)
		word  string
	}{
		"no database at all": {func(t *testing.T, path string) {
			write(t, path, bytes.Repeat([]byte("not a database\n"), 500))
		}, "cannot be read"},
		"cut off": {func(t *testing.T, path string) {
			write(t, path, read(t, path)[:20_000])
		}, "malformed"},
		"one page overwritten": {func(t *testing.T, path string) {
			content := read(t, path)
			copy(content[pageOfExecutions(t, path):], bytes.Repeat([]byte{0xff}, 100))
			write(t, path, content)
		}, "damaged"},
		"of another program": {func(t *testing.T, path string) { execute(t, path, "PRAGMA application_id=1") }, "not made by"},
		"of another layout":  {func(t *testing.T, path string) { execute(t, path, "PRAGMA user_version=1") }, "another table layout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "temporal.db")
			if err := createDatabase(path); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, path)
			before := read(t, path)

			message := refused(t, "--data-dir", dir, "--port=0", "--ui-port=0")

			wantWords(t, message, path, test.word, "move it away")
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file was changed")
			}
		})
	}
}

// pageOfExecutions is where in the file the table of workflows begins.
func pageOfExecutions(t *testing.T, path string) (offset int64) {
	t.Helper()
	db, err := sql.Open(driver, "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow("SELECT (rootpage-1)*page_size FROM sqlite_schema, pragma_page_size WHERE name='executions'").Scan(&offset)
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open(driver, "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestPrivateDatabase: nobody else on the machine reads what workflows hold, also where the file was open to all before.
func TestPrivateDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "temporal.db")
	for _, was := range []os.FileMode{0, 0o644} {
		if was != 0 {
			if err := os.Chmod(path, was); err != nil {
				t.Fatal(err)
			}
		}
		running := start(t, "--data-dir", dir)
		for _, beside := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(path + beside)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o, want 600", path+beside, info.Mode().Perm())
			}
		}
		running.stop(t, syscall.SIGTERM)
	}
}
