package matcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/vulnerability"
	"gorm.io/gorm"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// reader reads one build for one goroutine at a time. It remembers what is said about
// packages, and decorations, which grype queries for every candidate, even for those
// that it drops.
type reader struct {
	v6.Reader
	provider   vulnerability.Provider
	dir        string // of the reader's own link to the database
	affected   memory[statements, []v6.AffectedPackageHandle]
	unaffected memory[statements, []v6.UnaffectedPackageHandle]
	exploited  memory[string, []v6.KnownExploitedVulnerabilityHandle]
	weak       memory[string, []v6.CWEHandle]
	related    memory[relatedKey, vuln.Related]
	systems    memory[vuln.Distribution, lookUp]
	failure    error // first query that failed since the last takeFailure
}

// relatedKey names a record.
type relatedKey struct{ id, namespace string }

// openReader opens a database through a hard link of its own: readers of one path
// share one cache and wait for each other.
func openReader(dir string) (*reader, error) {
	own, err := os.MkdirTemp(dir, readerPattern)
	if err != nil {
		return nil, fmt.Errorf("make reader directory: %w", err)
	}
	r, err := openLink(dir, own)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(own))
	}
	return r, nil
}

const readerPattern = "reader-*"

func openLink(dir, own string) (*reader, error) {
	err := os.Link(filepath.Join(dir, v6.VulnerabilityDBFileName), filepath.Join(own, v6.VulnerabilityDBFileName))
	if err != nil {
		return nil, fmt.Errorf("link vulnerability database (the data directory must be on a file system with hard links): %w", err)
	}
	opened, err := v6.NewReader(v6.Config{DBDirPath: own})
	if err != nil {
		return nil, fmt.Errorf("open vulnerability database %s: %w: %w", dir, errkind.Invalid, err)
	}
	r := &reader{Reader: opened, dir: own}
	if err := r.watchQueries(); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	r.provider = v6.NewVulnerabilityProvider(r)
	return r, nil
}

// GetDB exposes the wrapped reader's connection, which grype's provider looks for
// at run time.
func (r *reader) GetDB() *gorm.DB {
	return r.Reader.(interface{ GetDB() *gorm.DB }).GetDB()
}

// watchQueries records failing queries. grype logs some of them and goes on
// without a result, which would look like packages without vulnerabilities.
func (r *reader) watchQueries() error {
	callback := func(tx *gorm.DB) {
		if tx.Error != nil && r.failure == nil && !errors.Is(tx.Error, gorm.ErrRecordNotFound) {
			r.failure = tx.Error
		}
	}
	if err := r.GetDB().Callback().Query().After("*").Register("tagwatch:failures", callback); err != nil {
		return fmt.Errorf("watch queries: %w", err)
	}
	return nil
}

// takeFailure returns the first failure since it was last called.
func (r *reader) takeFailure() error {
	err := r.failure
	r.failure = nil
	if err != nil {
		return fmt.Errorf("read vulnerability database: %w", err)
	}
	return nil
}

func (r *reader) GetKnownExploitedVulnerabilities(cve string) ([]v6.KnownExploitedVulnerabilityHandle, error) {
	return remember(&r.exploited, cve, count, r.Reader.GetKnownExploitedVulnerabilities)
}

func (r *reader) GetCWEs(cve string) ([]v6.CWEHandle, error) {
	return remember(&r.weak, cve, count, r.Reader.GetCWEs)
}

// GetEpss finds nothing: scores are joined when findings are read, since they
// change daily for nearly everything.
func (r *reader) GetEpss(string) ([]v6.EpssHandle, error) { return nil, nil }

func (r *reader) close() error {
	return errors.Join(r.Reader.Close(), os.RemoveAll(r.dir))
}
