package store

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// SaveScores stores the EPSS scores of the current generation in place of those
// of another. A CVE has one score; of several the first counts.
func (s *Store) SaveScores(ctx context.Context, scores []vuln.Score) error {
	return s.change(ctx, "save EPSS scores", func(t tx) error {
		if err := t.run(ctx, `DELETE FROM epss`); err != nil {
			return err
		}
		for part := range slices.Chunk(scores, 10_000) {
			rows := make([][]any, len(part))
			for i, score := range part {
				rows[i] = []any{strings.ToUpper(cleanText(score.CVE)), score.Probability, score.Percentile}
			}
			if err := t.insert(ctx, `epss (cve, probability, percentile)`, rows, `ON CONFLICT DO NOTHING`); err != nil {
				return err
			}
		}
		return nil
	})
}

// Scores reads the EPSS scores of CVEs, by the id as it is given; those without
// are absent.
func (s *Store) Scores(ctx context.Context, cves []string) (map[string]vuln.Score, error) {
	names := map[string][]string{}
	var upper []string
	for _, cve := range cves {
		key := strings.ToUpper(cleanText(cve))
		if _, known := names[key]; !known {
			upper = append(upper, key)
		}
		names[key] = append(names[key], cve)
	}
	scores := map[string]vuln.Score{}
	err := s.view(ctx, "read EPSS scores", func(t tx) error {
		rows, err := allIn[scoreRow](ctx, t, `SELECT cve, probability, percentile FROM epss WHERE cve IN (?)`, upper)
		for _, row := range rows {
			for _, name := range names[row.CVE] {
				scores[name] = vuln.Score(row)
			}
		}
		return err
	})
	return scores, err
}

type scoreRow vuln.Score
