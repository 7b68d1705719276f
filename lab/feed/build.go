package feed

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
	v6 "github.com/anchore/grype/grype/db/v6"
	_ "github.com/glebarez/go-sqlite" // the driver "sqlite" that grype uses too
)

// Database is a built database, packed as it is published.
type Database struct {
	Archive  string    // path of the archive, a tar.zst
	Checksum string    // of the archive, with its algorithm: "sha256:…"
	Built    time.Time // to the second, as the database says itself
}

// Build builds a database in dir, which it makes if it is missing. Each build of a
// process is at least a second later than the one before, since a database has its
// build time only to the second; the time may therefore be slightly in the future.
func Build(dir string, vulnerabilities ...Vulnerability) (Database, error) {
	return BuildAt(dir, clock.next(), vulnerabilities...)
}

// BuildAt builds a database with a given build time. The same vulnerabilities and time
// give the same content, though not the same bytes.
func BuildAt(dir string, built time.Time, vulnerabilities ...Vulnerability) (Database, error) {
	return build(dir, built, vulnerabilities, func(string) error { return nil })
}

// build lets finish change the file before it is packed.
func build(dir string, built time.Time, vulnerabilities []Vulnerability, finish func(path string) error) (Database, error) {
	built = built.UTC().Truncate(time.Second)
	if len(vulnerabilities) == 0 {
		return Database{}, errors.New("build vulnerability database: it needs at least one vulnerability")
	}
	for _, v := range vulnerabilities {
		if err := v.validate(); err != nil {
			return Database{}, err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Database{}, fmt.Errorf("make database directory: %w", err)
	}
	scratch, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return Database{}, fmt.Errorf("make build directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // a left-over harms nobody
	states, err := writeWorkspaces(filepath.Join(scratch, "providers"), vulnerabilities, built)
	if err != nil {
		return Database{}, err
	}
	if err := buildFile(scratch, states, built); err != nil {
		return Database{}, err
	}
	path := filepath.Join(scratch, v6.VulnerabilityDBFileName)
	if err := finish(path); err != nil {
		return Database{}, err
	}
	return pack(path, dir, built)
}

func writeWorkspaces(root string, vulnerabilities []Vulnerability, built time.Time) (provider.States, error) {
	var states provider.States
	for _, w := range workspacesOf(vulnerabilities, built) {
		if len(w.records) == 0 {
			continue
		}
		state, err := w.write(root, built)
		if err != nil {
			return nil, fmt.Errorf("write records of provider %s: %w", w.provider, err)
		}
		states = append(states, state)
	}
	return states, nil
}

func buildFile(dir string, states provider.States, built time.Time) error {
	config := db.BuildConfig{
		SchemaVersion: v6.ModelVersion, Directory: dir, States: states, Timestamp: built,
		IncludeCPEParts: []string{"a", "h", "o"}, InferNVDFixVersions: true,
	}
	if err := db.Build(config); err != nil {
		return fmt.Errorf("build vulnerability database: %w", err)
	}
	return setBuilt(filepath.Join(dir, v6.VulnerabilityDBFileName), built)
}

// setBuilt sets the time of the build: the builder always uses its own clock.
func setBuilt(path string, built time.Time) error {
	database, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	_, err = database.Exec(`UPDATE db_metadata SET build_timestamp = ?`, built)
	if err := errors.Join(err, database.Close()); err != nil {
		return fmt.Errorf("set the build time of %s: %w", path, err)
	}
	return nil
}

// clock hands out the times of builds.
var clock ticker

// ticker gives ever later times, to the second.
type ticker struct {
	mu   sync.Mutex
	last time.Time
}

func (t *ticker) next() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	if !now.After(t.last) {
		now = t.last.Add(time.Second)
	}
	t.last = now
	return now
}
