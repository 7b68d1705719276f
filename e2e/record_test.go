//go:build record

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestRecord fills an installation on each database and keeps the database, with what
// the command line says of it. testdata/record.sh runs it.
func TestRecord(t *testing.T) {
	version := os.Getenv("TAGWATCH_RECORD_VERSION")
	for engine, database := range databases(t) {
		t.Run(engine, func(t *testing.T) {
			folder := filepath.Join("testdata", "recorded", version, engine)
			must(t, os.MkdirAll(folder, 0o755))
			folder = made(filepath.Abs(folder))(t)
			r := recordedCounterparts(t)
			r.installation = r.elsewhere(t.TempDir(), r.settings(database)...)
			r.fill()
			must(t, r.Stop())
			keep(t, filepath.Join(folder, "answers.json"), made(json.MarshalIndent(r.answers(), "", " "))(t))
			keep(t, filepath.Join(folder, "database"), dump(t, filepath.Join(r.DataDir(), "tagwatch.db"), database))
		})
	}
}

// restricted are lines that newer versions of pg_dump write for newer versions of psql.
var restricted = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`)

// dump is a file of SQLite, or the SQL of a database of PostgreSQL.
func dump(t *testing.T, file, database string) []byte {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	if database == "" {
		db := made(sql.Open("sqlite", "file:"+file))(t)
		defer db.Close()
		made(db.ExecContext(t.Context(), "VACUUM INTO ?", copied))(t)
	} else {
		postgres(t, "pg_dump", "--no-owner", "--no-privileges", "--file="+copied, database)
	}
	return restricted.ReplaceAll(made(os.ReadFile(copied))(t), nil)
}

// keep writes a compressed file.
func keep(t *testing.T, path string, content []byte) {
	t.Helper()
	var compressed bytes.Buffer
	writer := made(gzip.NewWriterLevel(&compressed, gzip.BestCompression))(t)
	made(writer.Write(content))(t)
	must(t, writer.Close())
	must(t, os.WriteFile(path+".gz", compressed.Bytes(), 0o644))
	t.Logf("%s: %d bytes, compressed %d", filepath.Base(path), len(content), compressed.Len())
}
