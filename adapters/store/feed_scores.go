package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// moveScores stores the EPSS scores of the build in place of the others,
// and notes the groups with a vulnerability whose score crosses the threshold of
// a subscription, of a filter or of a rule of the active bundle.
func (t tx) moveScores(ctx context.Context, a databuild.Advance) error {
	before, err := t.scores(ctx)
	if err != nil {
		return err
	}
	after := scoresByCVE(a.Scores)
	if err := t.replaceScores(ctx, before, after); err != nil {
		return err
	}
	thresholds, err := t.thresholds(ctx)
	if err != nil {
		return err
	}
	active, err := t.activePolicy(ctx)
	if err != nil {
		return err
	}
	matters := func(was, is float64) bool {
		return active.ScoreMatters(was, is) || slices.ContainsFunc(thresholds, func(at float64) bool { return vuln.Crosses(was, is, at) })
	}
	groups, err := allIn[int64](ctx, t, `SELECT group_id FROM finding_reference WHERE vulnerability IN (?)`, changedScores(before, after, matters))
	if err != nil {
		return err
	}
	return t.noteChanges(ctx, a.To, groups)
}

func (t tx) scores(ctx context.Context) (map[string]vuln.Score, error) {
	rows, err := all[scoreRow](ctx, t, `SELECT cve, probability, percentile FROM epss`)
	scores := make(map[string]vuln.Score, len(rows))
	for _, row := range rows {
		scores[row.CVE] = vuln.Score(row)
	}
	return scores, err
}

// scoresByCVE: a CVE has one score; of several the first counts.
func scoresByCVE(list []vuln.Score) map[string]vuln.Score {
	scores := make(map[string]vuln.Score, len(list))
	for _, score := range list {
		score.CVE = strings.ToUpper(cleanText(score.CVE))
		if _, known := scores[score.CVE]; !known {
			scores[score.CVE] = score
		}
	}
	return scores
}

// replaceScores writes the scores that differ.
func (t tx) replaceScores(ctx context.Context, before, after map[string]vuln.Score) error {
	var rows [][]any
	for _, cve := range slices.Sorted(maps.Keys(after)) {
		if score := after[cve]; score != before[cve] {
			rows = append(rows, []any{cve, score.Probability, score.Percentile})
		}
	}
	var gone []string
	for cve := range before {
		if _, stays := after[cve]; !stays {
			gone = append(gone, cve)
		}
	}
	if err := runIn(ctx, t, `DELETE FROM epss WHERE cve IN (?)`, gone); err != nil {
		return err
	}
	return t.insert(ctx, `epss (cve, probability, percentile)`, rows,
		`ON CONFLICT (cve) DO UPDATE SET probability = excluded.probability, percentile = excluded.percentile`)
}

// thresholds are those that subscriptions and filters name.
func (t tx) thresholds(ctx context.Context) ([]float64, error) {
	texts, err := all[string](ctx, t, `SELECT DISTINCT options FROM subscription WHERE active AND type = ?`, string(notification.VulnUpdate))
	if err != nil {
		return nil, err
	}
	var thresholds []float64
	for _, text := range texts {
		options, err := parse[subscription.Options](text)
		if err != nil {
			return nil, err
		}
		thresholds = append(thresholds, options.Thresholds()...)
	}
	endpoints, err := t.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	thresholds = append(thresholds, subscription.EndpointThresholds(endpoints)...)
	slices.Sort(thresholds)
	return slices.Compact(thresholds), nil
}

// changedScores are the CVEs, in lower case, whose score changed in a way that
// matters.
func changedScores(before, after map[string]vuln.Score, matters func(was, is float64) bool) []string {
	changed := map[string]bool{}
	for _, scores := range []map[string]vuln.Score{before, after} {
		for cve := range scores {
			was, is := before[cve].Probability, after[cve].Probability
			if was != is && matters(was, is) {
				changed[strings.ToLower(cve)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(changed))
}

// AddScores adds to an input the EPSS scores that the bundle reads, if it reads any.
func (s *Store) AddScores(ctx context.Context, bundle *policy.Bundle, input *policy.Input) error {
	if !bundle.ReadsScores() {
		return nil
	}
	scores, err := s.Scores(ctx, input.Vulnerabilities())
	input.SetScores(scores)
	return err
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
