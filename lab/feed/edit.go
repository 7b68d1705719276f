package feed

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Filler makes a database as large as a real one.
type Filler struct {
	// Records is the number of vulnerabilities of Debian packages that nobody has,
	// each with a statement about one package; four of them share one.
	Records int
	// Scores is the number of EPSS scores, and Day what most of them depend on.
	Scores, Day int
}

// BuildLarge is BuildAt with filler, which is made from one of Debian's records.
func BuildLarge(dir string, built time.Time, filler Filler, vulnerabilities ...Vulnerability) (Database, error) {
	return build(dir, built, vulnerabilities, func(path string) error {
		if err := fill(path, filler); err != nil {
			return fmt.Errorf("fill %s: %w", path, err)
		}
		return nil
	})
}

// BuildEdited is BuildAt with SQL statements that change the database before it is
// packed, for content that no provider's records can give.
func BuildEdited(dir string, built time.Time, statements []string, vulnerabilities ...Vulnerability) (Database, error) {
	return build(dir, built, vulnerabilities, func(path string) error {
		database, err := sql.Open("sqlite", path)
		if err != nil {
			return fmt.Errorf("edit %s: %w", path, err)
		}
		for _, statement := range statements {
			if _, err := database.Exec(statement); err != nil {
				return errors.Join(fmt.Errorf("edit %s: %.60s: %w", path, statement, err), database.Close())
			}
		}
		return database.Close()
	})
}

// fill copies a record with other names, in the database itself: grype's builder
// would take minutes.
func fill(path string, filler Filler) error {
	database, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`CREATE TEMP TABLE like_this AS SELECT v.name, v.status, v.published_date, v.modified_date, v.provider_id, a.operating_system_id,
			r.value AS record, s.value AS statement, (SELECT max(id) FROM blobs) AS blobs, (SELECT max(id) FROM vulnerability_handles) AS records,
			(SELECT max(id) FROM packages) AS packages FROM affected_package_handles a JOIN vulnerability_handles v ON v.id = a.vulnerability_id
			JOIN blobs r ON r.id = v.blob_id JOIN blobs s ON s.id = a.blob_id WHERE v.provider_id = 'debian' ORDER BY a.id LIMIT 1`,
		`CREATE TEMP TABLE number AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < max(:records, :scores)) SELECT i FROM n`,
		`INSERT INTO blobs (id, value) SELECT blobs + 2*i - 1, replace(record, name, 'CVE-2019-' || (100000 + i)) FROM like_this, number WHERE i <= :records`,
		`INSERT INTO blobs (id, value) SELECT blobs + 2*i, replace(statement, name, 'CVE-2019-' || (100000 + i)) FROM like_this, number WHERE i <= :records`,
		`INSERT INTO vulnerability_handles (id, name, status, published_date, modified_date, provider_id, blob_id)
			SELECT records + i, 'CVE-2019-' || (100000 + i), status, published_date, modified_date, provider_id, blobs + 2*i - 1 FROM like_this, number WHERE i <= :records`,
		`INSERT INTO packages (id, ecosystem, name) SELECT packages + i, 'deb', 'filler-' || i FROM like_this, number WHERE i <= :records/4 + 1`,
		`INSERT INTO affected_package_handles (vulnerability_id, operating_system_id, package_id, blob_id)
			SELECT records + i, operating_system_id, packages + 1 + i/4, blobs + 2*i FROM like_this, number WHERE i <= :records`,
		`INSERT INTO epss_handles (cve, epss, percentile) SELECT 'CVE-2019-' || (100000 + i), ((i*7919 + CASE WHEN i % 10 < 7 THEN :day*31 ELSE 0 END) % 1000)/1000.0, 0.5
			FROM number WHERE i <= :scores`,
	} {
		_, err := database.Exec(statement, sql.Named("records", filler.Records), sql.Named("scores", filler.Scores), sql.Named("day", filler.Day))
		if err != nil {
			return errors.Join(fmt.Errorf("%.60s: %w", statement, err), database.Close())
		}
	}
	return database.Close()
}
