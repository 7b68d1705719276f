package matcher

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// keepOpen is the number of builds that stay open without a match under way.
const keepOpen = 2

// Matcher matches groups against builds by name. It is safe for concurrent use.
type Matcher struct {
	path func(checksum string) (string, error)

	mu   sync.Mutex
	open []*opened // most recently used first
}

type opened struct {
	checksum string
	db       *Database
}

// New returns a matcher that finds the directory of a build by path.
func New(path func(checksum string) (string, error)) *Matcher { return &Matcher{path: path} }

// Version identifies the matcher: findings of two versions are not comparable.
func (m *Matcher) Version() vuln.Matcher { return matcher() }

// Groups calls the function [Groups], for callers that hold only a Matcher.
func (m *Matcher) Groups(sbomJSON []byte) ([]vuln.Group, vuln.Distribution, error) {
	return Groups(sbomJSON)
}

// Match matches groups against a build; see [Database.Match].
func (m *Matcher) Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	return with(m, checksum, func(db *Database) ([][]vuln.GroupFinding, error) { return db.Match(ctx, groups) })
}

// Digest reads a whole build and returns its sums; see [Database.Digest].
func (m *Matcher) Digest(ctx context.Context, checksum string) (*vuln.Sums, error) {
	return with(m, checksum, func(db *Database) (*vuln.Sums, error) { return db.Digest(ctx) })
}

// Scores reads the EPSS scores of a build; see [Database.Scores].
func (m *Matcher) Scores(ctx context.Context, checksum string) ([]vuln.Score, error) {
	return with(m, checksum, func(db *Database) ([]vuln.Score, error) { return db.Scores(ctx) })
}

// Packages reads the members of a group from its document, in the order of their
// indices.
func (m *Matcher) Packages(document []byte) ([]vuln.Package, error) {
	members, err := decodeMembers(document)
	return packagesOf(members), err
}

// Release closes all builds but those to keep, when matches under way on them
// end.
func (m *Matcher) Release(keep ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	m.open = slices.DeleteFunc(m.open, func(o *opened) bool {
		if slices.Contains(keep, o.checksum) {
			return false
		}
		errs = append(errs, o.db.Close())
		return true
	})
	return errors.Join(errs...)
}

// Close closes all builds; matches under way end first.
func (m *Matcher) Close() error { return m.Release() }

// with keeps a build open during a call.
func with[T any](m *Matcher, checksum string, do func(*Database) (T, error)) (result T, err error) {
	db, err := m.acquire(checksum)
	if err != nil {
		return result, err
	}
	result, err = do(db)
	return result, errors.Join(err, db.release())
}

// acquire opens a build that is not open yet, and closes the least recently used
// beyond keepOpen.
func (m *Matcher) acquire(checksum string) (*Database, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.open, func(o *opened) bool { return o.checksum == checksum })
	if at >= 0 {
		found := m.open[at]
		m.open = slices.Insert(slices.Delete(m.open, at, at+1), 0, found)
		found.db.acquire()
		return found.db, nil
	}
	dir, err := m.path(checksum)
	if err != nil {
		return nil, err
	}
	db, err := Open(dir)
	if err != nil {
		return nil, err
	}
	db.acquire()
	m.open = slices.Insert(m.open, 0, &opened{checksum: checksum, db: db})
	if len(m.open) > keepOpen {
		least := m.open[keepOpen]
		m.open = m.open[:keepOpen]
		if err := least.db.Close(); err != nil {
			return nil, errors.Join(err, db.release())
		}
	}
	return db, nil
}
