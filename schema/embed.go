// Package schema holds the migrations of the database, once for each matcher and
// with equal numbers. They only go forward.
//
// Times are microseconds since 1970 in UTC, 0 for none; durations are
// microseconds. Columns named document, and those of type BYTEA or BLOB, hold
// zstd-compressed documents; small documents are JSON texts.
package schema

import "embed"

// Files holds a folder of migrations for each matcher: postgres and sqlite.
//
//go:embed postgres/*.sql sqlite/*.sql
var Files embed.FS
