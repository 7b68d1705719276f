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

// Matcher matches groups against builds by name. It may be used by many
// goroutines.
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

// Groups is the function of that name, for those who hold only a Matcher.
func (m *Matcher) Groups(sbomJSON []byte) ([]vuln.Group, vuln.Distribution, error) {
	return Groups(sbomJSON)
}

// Match matches groups against a build; see [Database.Match].
func (m *Matcher) Match(ctx context.Context, checksum string, groups []vuln.Group) (findings [][]vuln.GroupFinding, err error) {
	err = m.with(checksum, func(db *Database) error {
		findings, err = db.Match(ctx, groups)
		return err
	})
	return findings, err
}

// Digest reads a whole build and returns its sums; see [Database.Digest].
func (m *Matcher) Digest(ctx context.Context, checksum string) (sums *vuln.Sums, err error) {
	err = m.with(checksum, func(db *Database) error {
		sums, err = db.Digest(ctx)
		return err
	})
	return sums, err
}

// Close closes all builds; matches under way end first.
func (m *Matcher) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closeFrom(0)
}

// with does something with a build, which stays open meanwhile.
func (m *Matcher) with(checksum string, do func(*Database) error) error {
	db, err := m.acquire(checksum)
	if err != nil {
		return err
	}
	err = do(db)
	return errors.Join(err, db.release())
}

// acquire opens a build unless it is, and closes those not used lately.
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
	if err := m.closeFrom(keepOpen); err != nil {
		return nil, errors.Join(err, db.release())
	}
	return db, nil
}

// closeFrom closes the builds from an index on; m.mu is held.
func (m *Matcher) closeFrom(first int) error {
	var errs []error
	for first < len(m.open) {
		last := len(m.open) - 1
		errs = append(errs, m.open[last].db.Close())
		m.open = m.open[:last]
	}
	return errors.Join(errs...)
}
