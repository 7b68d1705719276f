package output

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// ShortID is a prefix of a notification's id, which commands accept.
func ShortID(id string) string { return id[:min(len(id), 8)] }

func Assignments[T ~string](values map[string]T) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+"="+string(values[name]))
	}
	return strings.Join(parts, ", ")
}

// Stamp is a timestamp at the beginning of a line.
func Stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// Dash stands for a missing value in a table.
func Dash(text string) string { return cmp.Or(text, "-") }

func Yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// Short is enough of a hash for a person.
func Short(hash string) string {
	hash = strings.TrimPrefix(hash, "sha256:")
	return hash[:min(12, len(hash))]
}

// DigestLine is a digest with that of the index it came from.
func DigestLine(r image.Resolved) string {
	if r.Index == "" {
		return string(r.Manifest)
	}
	return fmt.Sprintf("%s (from index %s)", r.Manifest, r.Index.Short())
}
