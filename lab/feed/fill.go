package feed

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
)

// Filler makes a database as large as a real one, with copies of its own records
// under names that nobody has: of each provider, with their statements, CPEs,
// aliases and weaknesses.
type Filler struct {
	// Records is the number of vulnerabilities, Rows at least that of their statements
	// about affected packages; 0 for one each.
	Records, Rows int
	// Scores is the number of EPSS scores.
	Scores int
	// Day is what most scores depend on, and one record in 333 with its statements. On
	// each day rows are numbered in another order.
	Day int
}

// BuildLarge is BuildAt with filler.
func BuildLarge(dir string, built time.Time, filler Filler, vulnerabilities ...Vulnerability) (Database, error) {
	return build(dir, built, vulnerabilities, func(path string) error {
		if err := fill(path, filler); err != nil {
			return fmt.Errorf("fill %s: %w", path, err)
		}
		return nil
	})
}

// fill copies records in the database itself: grype's builder would take an hour.
func fill(path string, filler Filler) error {
	database, err := sql.Open("sqlite", path+"?_pragma=synchronous(OFF)&_pragma=journal_mode(OFF)&_pragma=cache_size(-400000)")
	if err != nil {
		return err
	}
	database.SetMaxOpenConns(1) // temporary tables belong to a connection
	err = copyRecords(database, filler)
	return errors.Join(err, database.Close())
}

func copyRecords(database *sql.DB, filler Filler) error {
	for _, statement := range models {
		if _, err := database.Exec(statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	var all, stated int
	if err := database.QueryRow(`SELECT (SELECT count(*) FROM model), (SELECT count(*) FROM stated)`).Scan(&all, &stated); err != nil {
		return err
	}
	if stated == 0 {
		return errors.New("it has no record of a package")
	}
	each := max(1, (filler.Rows*all+filler.Records*stated-1)/max(1, filler.Records*stated))
	for _, statement := range copies {
		_, err := database.Exec(statement, sql.Named("records", filler.Records), sql.Named("each", each), sql.Named("scores", filler.Scores),
			sql.Named("day", filler.Day), sql.Named("names", max(2, filler.Records*each/100)))
		if err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return nil
}

// models are the records to copy, numbered from 0, each with a statement about a
// package and one about a CPE, if it has any.
var models = []string{
	`CREATE TEMP TABLE model AS SELECT row_number() OVER (ORDER BY v.id) - 1 AS n, v.id, v.name, v.status, v.published_date, v.modified_date, v.provider_id,
		b.value AS record FROM vulnerability_handles v JOIN blobs b ON b.id = v.blob_id ORDER BY v.id`,
	`CREATE TEMP TABLE stated AS SELECT m.n, m.name, a.operating_system_id, p.ecosystem, b.value AS statement FROM model m
		JOIN affected_package_handles a ON a.id = (SELECT min(id) FROM affected_package_handles WHERE vulnerability_id = m.id)
		JOIN packages p ON p.id = a.package_id JOIN blobs b ON b.id = a.blob_id`,
	`CREATE TEMP TABLE listed AS SELECT m.n, m.name, b.value AS statement FROM model m
		JOIN affected_cpe_handles a ON a.id = (SELECT min(id) FROM affected_cpe_handles WHERE vulnerability_id = m.id) JOIN blobs b ON b.id = a.blob_id`,
	`CREATE TEMP TABLE top AS SELECT (SELECT max(id) FROM blobs) AS blobs, (SELECT max(id) FROM vulnerability_handles) AS records,
		(SELECT max(id) FROM packages) AS packages, (SELECT coalesce(max(id), 0) FROM cpes) AS products`,
	`CREATE TEMP TABLE kind AS SELECT row_number() OVER (ORDER BY ecosystem) - 1 AS n, ecosystem FROM (SELECT DISTINCT ecosystem FROM stated)`,
}

// copies fill the database. A copy's place decides about row ids, which have no gaps;
// two rows of a record share a statement.
var copies = []string{
	`CREATE TEMP TABLE number AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < max(:records, :scores, :names)) SELECT i FROM n`,
	`CREATE TEMP TABLE time AS WITH RECURSIVE n(r) AS (SELECT 0 UNION ALL SELECT r + 1 FROM n WHERE r < :each - 1) SELECT r FROM n`,
	`CREATE TEMP TABLE copy AS SELECT *, count(stated) OVER (ORDER BY place) - 1 AS s, count(listed) OVER (ORDER BY place) - 1 AS l FROM (
		SELECT i, CASE WHEN :day % 2 THEN :records - i ELSE i - 1 END AS place, m.n AS n, m.name AS old, stated.n AS stated, listed.n AS listed,
			CASE WHEN m.name LIKE 'GHSA-%' THEN 'GHSA-fill-' ELSE 'CVE-2019-' END || (100000 + i) AS name, :day > 0 AND (i*7919 + :day) % 333 = 0 AS changed
		FROM number JOIN model m ON m.n = i % (SELECT count(*) FROM model) LEFT JOIN stated USING (n) LEFT JOIN listed USING (n) WHERE i <= :records) ORDER BY place`,
	`CREATE TEMP TABLE base AS SELECT *, blobs + :records AS statements, blobs + :records + (SELECT count(stated) FROM copy)*((:each + 1)/2) AS listings FROM top`,

	`INSERT INTO blobs (id, value) SELECT blobs + 1 + place, CASE WHEN changed THEN json_set(value, '$.description', 'Changed on day ' || :day) ELSE value END
		FROM (SELECT place, changed, replace(record, old, c.name) AS value FROM copy c JOIN model USING (n)), base`,
	`INSERT INTO vulnerability_handles (id, name, status, published_date, modified_date, provider_id, blob_id)
		SELECT records + 1 + place, c.name, status, published_date, modified_date, provider_id, blobs + 1 + place FROM copy c JOIN model USING (n), base`,

	`INSERT INTO blobs (id, value) SELECT statements + 1 + s*((:each + 1)/2) + r/2, json_set(replace(statement, old, c.name), '$.ranges[0].fix.version',
			CASE WHEN changed THEN '9.' || :day || '.' || r ELSE '1.' || i || '.' || r END)
		FROM copy c JOIN stated USING (n), time, base WHERE r % 2 = 0`,
	`INSERT INTO packages (id, ecosystem, name) SELECT packages + 1 + i*(SELECT count(*) FROM kind) + n, ecosystem, 'filler-' || i FROM number, kind, base WHERE i < :names`,
	`INSERT INTO affected_package_handles (vulnerability_id, operating_system_id, package_id, blob_id)
		SELECT records + 1 + place, operating_system_id, packages + 1 + (1 + (i*31 + r*7) % (:names - 1))*(SELECT count(*) FROM kind) + kind.n, statements + 1 + s*((:each + 1)/2) + r/2
		FROM copy c JOIN stated USING (n) JOIN kind USING (ecosystem), time, base ORDER BY place, r`,

	`INSERT INTO cpes (id, part, vendor, product, edition, language, software_edition, target_hardware, target_software, other)
		SELECT products + i, 'a', 'filler', 'filler-product-' || i, '', '', '', '', '', '' FROM number, base WHERE i <= :names`,
	`INSERT INTO blobs (id, value) SELECT listings + 1 + l, replace(statement, old, c.name) FROM copy c JOIN listed USING (n), base`,
	`INSERT INTO affected_cpe_handles (vulnerability_id, cpe_id, blob_id) SELECT records + 1 + place, products + 1 + i % :names, listings + 1 + l
		FROM copy c JOIN listed USING (n), base ORDER BY place`,

	`INSERT INTO vulnerability_aliases (name, alias) SELECT name, 'CVE-2018-' || (100000 + i) FROM copy WHERE name LIKE 'GHSA-%'`,
	`INSERT INTO cwe_handles (cve, cwe, source, type) SELECT c.name, w.cwe, w.source, w.type FROM copy c JOIN cwe_handles w ON w.cve = c.old`,
	`INSERT INTO epss_handles (cve, epss, percentile) SELECT 'CVE-2019-' || (100000 + i), ((i*7919 + CASE WHEN i % 10 < 7 THEN :day*31 ELSE 0 END) % 1000)/1000.0, 0.5
		FROM number WHERE i <= :scores`,
}

// BuildOnce is BuildLarge that keeps what it made in a directory, for the next one who
// wants the same.
func BuildOnce(dir string, built time.Time, filler Filler, vulnerabilities ...Vulnerability) (Database, error) {
	content, err := json.Marshal([]any{built, filler, vulnerabilities, models, copies, v6.ModelVersion, v6.Revision, v6.Addition})
	if err != nil {
		return Database{}, err
	}
	kept := filepath.Join(dir, fmt.Sprintf("%x", sha256.Sum256(content)))
	if found, err := filepath.Glob(filepath.Join(kept, "*.tar.zst")); err == nil && len(found) == 1 {
		archive, err := os.ReadFile(found[0])
		return Database{Archive: found[0], Checksum: checksum(archive), Built: built}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Database{}, err
	}
	scratch, err := os.MkdirTemp(dir, "partial-")
	if err != nil {
		return Database{}, err
	}
	defer os.RemoveAll(scratch) // of no effect after Rename
	made, err := BuildLarge(scratch, built, filler, vulnerabilities...)
	if err != nil {
		return Database{}, err
	}
	made.Archive = filepath.Join(kept, filepath.Base(made.Archive))
	return made, os.Rename(scratch, kept)
}
