package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"

	"github.com/glebarez/go-sqlite"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// repair is what to do about a damaged file.
const repair = "stop Tagwatch, move it and the files beside it that end in -wal and -shm away, then put a copy back or start with an empty database"

// explain wraps an error with what was attempted and where, and gives the
// databases' own errors a kind.
func (s *Store) explain(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errkind.Name(err) != "", errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, errkind.NotFound)
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%s: %s: %w: %w", doing, s.name, err, kind)
	}
	return fmt.Errorf("%s: %s: %w", doing, s.name, err)
}

// kindOf is nil for what nobody expects, as a statement that fails.
func kindOf(err error) error {
	if failed, ok := errors.AsType[*pq.Error](err); ok {
		return postgresKind(failed)
	}
	if failed, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteKind(failed)
	}
	_, network := errors.AsType[*net.OpError](err)
	if network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return errkind.Unavailable
	}
	return nil
}

// postgresKind follows appendix A of PostgreSQL's manual.
func postgresKind(err *pq.Error) error {
	switch err.Code {
	case pqerror.InvalidCatalogName:
		return fmt.Errorf("create it first, as with createdb: %w", errkind.NotFound)
	case pqerror.InsufficientPrivilege:
		return errkind.Unauthorized
	}
	switch err.Code.Class() {
	case "28": // invalid authorization
		return errkind.Unauthorized
	case "08", "40", "53", "57": // connection, rollback, resources, operator intervention
		return errkind.Unavailable
	}
	return nil
}

// Primary result codes of https://www.sqlite.org/rescode.html.
const (
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteNotADB   = 26
)

func sqliteKind(err *sqlite.Error) error {
	switch err.Code() & 0xff {
	case sqliteBusy:
		return fmt.Errorf("another process keeps it locked: %w", errkind.Unavailable)
	case sqliteFull:
		return fmt.Errorf("the disk is full: %w", errkind.Unavailable)
	case sqliteReadOnly:
		return fmt.Errorf("it cannot be written to: %w", errkind.Unauthorized)
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("it is damaged: %s: %w", repair, errkind.Invalid)
	}
	return nil
}

// repeatable reports that PostgreSQL gave up a transaction which may succeed when
// it is run once more, because of another one that ran at the same time.
func repeatable(err error) bool {
	return pq.As(err, pqerror.TRDeadlockDetected, pqerror.TRSerializationFailure, pqerror.UniqueViolation, pqerror.ForeignKeyViolation) != nil
}
