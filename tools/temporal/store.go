package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
)

// store is the database of one run and, when it is a file, the right to use it.
type store struct {
	path string   // of temporal.db; empty in memory
	lock *os.File // nil in memory
	sql  *config.SQL
	// visibility is the second database of PostgreSQL; nil with SQLite, where one holds both.
	visibility *config.SQL
}

// openStore locks the data directory and makes sure that temporal.db exists and is intact.
func openStore(opts options) (*store, error) {
	if opts.postgres != "" {
		return openPostgres(opts.postgres)
	}
	if opts.inMemory {
		return memoryStore(), nil
	}
	dir, err := filepath.Abs(opts.dataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	s := fileStore(filepath.Join(dir, "temporal.db"), lock)
	if err := s.prepare(); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

// prepare checks the database, or creates it if it is missing or empty.
func (s *store) prepare() error {
	info, err := os.Stat(s.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return createDatabase(s.path)
	}
	if err != nil {
		return fmt.Errorf("read database: %w", err)
	}
	if err := private(s.path); err != nil {
		return fmt.Errorf("make the database private: %w", err)
	}
	return verifyDatabase(s.path)
}

// fileStore writes ahead (readers do not wait for the writer) and syncs each transaction: acknowledged data survives a power cut.
func fileStore(path string, lock *os.File) *store {
	return &store{path: path, lock: lock, sql: &config.SQL{
		PluginName:   sqlite.PluginName,
		DatabaseName: escaped(path),
		ConnectAttributes: map[string]string{
			"mode": "rw", "journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000",
		},
	}}
}

func memoryStore() *store {
	return &store{sql: &config.SQL{
		PluginName:        sqlite.PluginName,
		DatabaseName:      "tagwatch-temporal",
		ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
	}}
}

// escaped is a path as part of an SQLite address, where ?, # and % have a meaning.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// persistence is the part of Temporal's configuration that names this store.
func (s *store) persistence() config.Persistence {
	stores := map[string]config.DataStore{"main": {SQL: s.sql}, "visibility": {SQL: s.sql}}
	if s.visibility != nil {
		stores["visibility"] = config.DataStore{SQL: s.visibility}
	}
	return config.Persistence{DefaultStore: "main", VisibilityStore: "visibility", NumHistoryShards: historyShards, DataStores: stores}
}

// close moves the write-ahead log into temporal.db, so that the one file is a complete copy, and unlocks the directory.
func (s *store) close() error {
	if s.lock == nil {
		return nil
	}
	return errors.Join(checkpoint(s.path), s.lock.Close())
}
