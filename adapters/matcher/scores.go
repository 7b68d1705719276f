package matcher

import (
	"context"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Scores reads the EPSS scores of all CVEs, sorted by CVE.
func (d *Database) Scores(ctx context.Context) ([]vuln.Score, error) {
	return read(ctx, d, func(reader *reader) (scores []vuln.Score, err error) {
		db, err := reader.GetDB().DB()
		if err != nil {
			return nil, fmt.Errorf("read EPSS scores: %w", err)
		}
		var s vuln.Score
		err = table{ctx: ctx, db: db}.read("SELECT cve, epss, percentile FROM epss_handles ORDER BY cve",
			func(int) []any { return []any{&s.CVE, &s.Probability, &s.Percentile} }, func() { scores = append(scores, s) })
		if err != nil {
			return nil, fmt.Errorf("read EPSS scores: %w", err)
		}
		return scores, nil
	})
}
