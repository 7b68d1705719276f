package matcher

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Scores reads the EPSS scores of all CVEs, sorted by CVE.
func (d *Database) Scores(ctx context.Context) ([]vuln.Score, error) {
	return use(d, func() (scores []vuln.Score, err error) {
		err = d.rows(ctx, "SELECT cve, epss, percentile FROM epss_handles ORDER BY cve", func(fields []driver.Value) {
			scores = append(scores, vuln.Score{CVE: text(fields[0]), Probability: fraction(fields[1]), Percentile: fraction(fields[2])})
		})
		if err != nil {
			return nil, fmt.Errorf("read EPSS scores: %w", err)
		}
		return scores, nil
	})
}

func fraction(field driver.Value) float64 {
	if whole, is := field.(int64); is {
		return float64(whole)
	}
	value, _ := field.(float64)
	return value
}
