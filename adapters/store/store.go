// Package store keeps everything that Tagwatch remembers, in PostgreSQL or in a
// file of SQLite, with the same statements.
//
// Every method is one transaction. What must not be lost or notified twice is
// decided inside of one: Record and RecordRepository call a pure function with
// what is stored and write what it returns, whole or not at all.
//
// Findings belong to groups of packages, not to images, and all stored findings
// are valid for the current build of the vulnerability data. SaveFindings
// therefore refuses findings of any other, and Advance replaces the findings
// that a new build touches and makes it the current one in one step.
//
// Errors are wrapped kinds of package fault. None holds a password.
package store

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// Store is a database. It is safe for concurrent use, also by several processes.
type Store struct {
	// reading and writing are the same pool, except with SQLite: that one lets a
	// single connection write at a time, and waiting for a pool is fair while
	// waiting for its lock is not.
	reading, writing *sqlx.DB
	// locking ends a query for rows that are about to be changed.
	locking string
	// name says which database it is, for error messages.
	name string
	// expected are the settings that changes are based on.
	expected Expected
}

// Open connects to the database of that URL, sqlite:///absolute/path or
// postgres://user@host/database, and brings its schema up to date. Several
// processes may do so at once.
func Open(ctx context.Context, url string) (*Store, error) {
	from, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	s, err := from.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := from.migrate(ctx, s); err != nil {
		s.Close()
		return nil, s.explain("bring the schema up to date", err)
	}
	return s, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error {
	err := s.reading.Close()
	if s.writing == s.reading {
		return err
	}
	if failed := s.writing.Close(); failed != nil {
		return failed
	}
	return err
}

// Ping reports whether the database answers: fault.Unavailable if it does not.
func (s *Store) Ping(ctx context.Context) error {
	return s.explain("connect", s.reading.PingContext(ctx))
}
