package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// A target of which nothing was recorded yet has no row of its state.
const summaryQuery = `SELECT ` + summaryColumns + ` FROM target LEFT JOIN target_state ON target_state.target = target.name`

const summaryColumns = `target.name AS target, coalesce(revision, 0) AS revision, coalesce(manifest, '') AS manifest,
	coalesce(index_digest, '') AS index_digest, coalesce(since, 0) AS since, coalesce(analyzed, '') AS analyzed, coalesce(pending, 0) AS pending, coalesce(build, '') AS build,
	coalesce(matcher, '') AS matcher, coalesce(bundle, '') AS bundle, coalesce(analyzer, '') AS analyzer,
	coalesce(matched, FALSE) AS matched, coalesce(critical, 0) AS critical, coalesce(high, 0) AS high,
	coalesce(medium, 0) AS medium, coalesce(low, 0) AS low, coalesce(negligible, 0) AS negligible,
	coalesce(unknown, 0) AS unknown, coalesce(status, '') AS status, coalesce(final_action, '') AS final_action,
	coalesce(problem, '') AS problem, coalesce(checked, 0) AS checked, coalesce(changed, 0) AS changed,
	coalesce(next_change, 0) AS next_change, coalesce(coverage, '') AS coverage,
	coalesce(distribution, '') AS distribution, coalesce(not_covered, '') AS not_covered, coalesce(end_of_life, 0) AS end_of_life,
	target.poll, target.poll_interval, target.polled, target.due`

// Summaries lists the states of the targets that the filter selects, without
// their documents, by target.
func (s *Store) Summaries(ctx context.Context, filter subscription.TargetFilter) ([]watch.Summary, error) {
	var summaries []watch.Summary
	err := s.view(ctx, "list states", func(t tx) error {
		where := targetConditions(filter)
		end, limit := targetPage(filter)
		rows, err := all[stateRow](ctx, t, summaryQuery+where.text()+end, append(where.args, limit...)...)
		if err != nil {
			return err
		}
		summaries, err = t.summaries(ctx, rows)
		return err
	})
	return summaries, err
}

// Summary is the target's state without its documents; errkind.NotFound if nobody
// is subscribed to it.
func (s *Store) Summary(ctx context.Context, target image.Target) (summary watch.Summary, err error) {
	err = s.view(ctx, "read the state of "+target.String(), func(t tx) (err error) {
		summary, err = t.summary(ctx, target)
		return err
	})
	return summary, err
}

// summaries shows as a tag's problem what is wrong with it now, before what was
// recorded with its last outcome.
func (t tx) summaries(ctx context.Context, rows []stateRow) ([]watch.Summary, error) {
	list, err := convert(rows, stateRow.summary)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Target
	}
	wrong, err := allIn[conditionRow](ctx, t, `SELECT `+conditionColumns+` FROM condition WHERE resource = 'tag' AND confirmed AND name IN (?)`, names)
	if err != nil {
		return nil, err
	}
	found := make(map[string]condition.Condition, len(wrong))
	for _, row := range wrong {
		if before, known := found[row.Name]; !known || before.Kind == condition.Unresolved {
			found[row.Name] = row.condition()
		}
	}
	for i, name := range names {
		if c, wrong := found[name]; wrong {
			list[i].Problem = condition.ProblemOf(c)
		}
	}
	return list, nil
}
