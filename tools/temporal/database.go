package main

import (
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"

	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	schema "go.temporal.io/server/schema/sqlite"
)

// driver is the database/sql name under which Temporal's SQLite plugin registers its driver.
const driver = "sqlite"

// owner marks a database as ours in SQLite's application_id: "TWTS" in ASCII.
const owner = 0x54575453

// layout identifies the tables in SQLite's user_version. Temporal has no migrations for SQLite, so another layout cannot be served.
var layout = int64(crc32.ChecksumIEEE([]byte(schema.Version+" "+schema.VisibilityVersion)) >> 1)

// createDatabase builds the tables in a draft and moves the finished file into place: a kill in between leaves no incomplete database.
func createDatabase(path string) error {
	draft := path + ".new"
	for _, leftover := range []string{draft, draft + "-journal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("create database: %w", err)
		}
	}
	if err := private(draft); err != nil {
		return fmt.Errorf("create database %s: %w", path, err)
	}
	if err := writeTables(draft); err != nil {
		return fmt.Errorf("create database %s: %w", path, err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// private makes a file that only its owner can read: histories hold answers of registries and receivers. SQLite gives the files beside
// a database the mode of the database.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

func writeTables(path string) error {
	db, err := sql.Open(driver, "file:"+escaped(path)+"?mode=rwc&_pragma=synchronous=2")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := schema.SetupSchemaOnDB(tables{tx: tx}); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", owner, layout)); err != nil {
		return err
	}
	return tx.Commit()
}

// tables runs Temporal's schema inside one transaction. The schema needs only Exec of the interface.
type tables struct {
	sqlplugin.AdminDB
	tx *sql.Tx
}

// Exec runs one statement of the schema.
func (t tables) Exec(statement string, args ...any) error {
	_, err := t.tx.Exec(statement, args...)
	return err
}

// verifyDatabase refuses a file that is not ours or is damaged. It does not change the file.
func verifyDatabase(path string) error {
	const remedy = "; restore the file from a backup, or move it away to start with an empty one"
	db, err := sql.Open(driver, "file:"+escaped(path)+"?mode=ro")
	if err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	defer db.Close()
	var foundOwner, foundLayout int64
	var verdict string
	err = db.QueryRow("SELECT * FROM pragma_application_id, pragma_user_version").Scan(&foundOwner, &foundLayout)
	switch {
	case err != nil:
		return fmt.Errorf("database %s cannot be read: %w%s", path, err, remedy)
	case foundOwner != owner:
		return fmt.Errorf("database %s was not made by tagwatch-temporal%s", path, remedy)
	case foundLayout != layout:
		return fmt.Errorf("database %s was made by a tagwatch-temporal with another table layout; run that one%s", path, remedy)
	}
	if err := db.QueryRow("PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("database %s is damaged: %w%s", path, err, remedy)
	}
	if verdict != "ok" {
		return fmt.Errorf("database %s is damaged: %s%s", path, strings.Join(strings.Fields(verdict), " "), remedy)
	}
	return nil
}

// checkpoint moves the content of the write-ahead log into the database file.
func checkpoint(path string) error {
	db, err := sql.Open(driver, "file:"+escaped(path)+"?mode=rw&_pragma=busy_timeout=1000")
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}
