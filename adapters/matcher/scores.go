package matcher

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Scores reads the EPSS scores of a build; see [Database.Scores].
func (m *Matcher) Scores(ctx context.Context, checksum string) (scores []vuln.Score, err error) {
	err = m.with(checksum, func(db *Database) error {
		scores, err = db.Scores(ctx)
		return err
	})
	return scores, err
}

// Scores reads the EPSS scores of all CVEs, sorted by CVE.
func (d *Database) Scores(ctx context.Context) (scores []vuln.Score, err error) {
	err = d.use(func() error {
		reader, err := d.take(ctx)
		if err != nil {
			return err
		}
		defer d.give(reader)
		db, err := reader.GetDB().DB()
		if err != nil {
			return fmt.Errorf("read EPSS scores: %w", err)
		}
		scores, err = readScores(table{ctx: ctx, db: db})
		return err
	})
	return scores, err
}

func readScores(t table) (scores []vuln.Score, err error) {
	err = t.read(`SELECT cve, epss, percentile FROM epss_handles ORDER BY cve`, func(rows *sql.Rows, _ int) func() error {
		return func() error {
			var s vuln.Score
			if err := rows.Scan(&s.CVE, &s.Probability, &s.Percentile); err != nil {
				return err
			}
			scores = append(scores, s)
			return nil
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read EPSS scores: %w", err)
	}
	return scores, nil
}
