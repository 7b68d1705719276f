package pkgdb

import (
	"bytes"
	"database/sql"
	"io"
	"net/url"
	"os"
	"strings"

	_ "github.com/glebarez/go-sqlite" // reads rpm's database
)

// checkRPM checks rpm's database in any of its formats.
func checkRPM(f File) (int, error) {
	file, err := os.CreateTemp("", "rpmdb-*")
	if err != nil {
		return 0, f.failed(err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	size, err := io.Copy(file, f.Content)
	if err != nil {
		return 0, f.failed(err)
	}
	if size == 0 {
		return 0, nil
	}
	var magic [16]byte
	if _, err := file.ReadAt(magic[:], 0); err != nil {
		return 0, f.damaged("it has only %d bytes", size)
	}
	switch {
	case string(magic[:]) == "SQLite format 3\x00":
		return checkSQLite(f, file.Name())
	case bytes.HasPrefix(magic[:], []byte("RpmP")):
		return checkNDB(f, file, size)
	case berkeleyOrder(magic[:]) != nil:
		return checkBerkeley(f, file, size)
	}
	return 0, f.damaged("it is not in a format of rpm")
}

// checkSQLite reads all of the table of packages, as SQLite checks it.
func checkSQLite(f File, name string) (int, error) {
	if err := checkWAL(f); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: name, RawQuery: "mode=ro&immutable=1"}).String())
	if err != nil {
		return 0, f.failed(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow(`PRAGMA quick_check('Packages')`).Scan(&verdict); err != nil {
		return 0, f.damaged("%v", err)
	}
	if verdict != "ok" {
		return 0, f.damaged("%s", strings.Join(strings.Fields(verdict), " "))
	}
	var any int
	if err := db.QueryRow(`SELECT EXISTS (SELECT 1 FROM Packages)`).Scan(&any); err != nil {
		return 0, f.damaged("%v", err)
	}
	return any, nil
}

// walHeader is the size of a write-ahead log without entries.
const walHeader = 32

// checkWAL refuses changes that a stopped program left in the log beside the database,
// where a reader of the database does not see them.
func checkWAL(f File) error {
	logs, err := f.Find(literal(f.Path) + "-wal")
	for path, size := range logs {
		if size > walHeader {
			return f.damaged("%s holds changes that are not in it", path)
		}
	}
	return err
}
