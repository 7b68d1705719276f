package store

import (
	"context"
	"strings"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Board lists the states of the targets that the filter selects, without their
// documents, and tells how many there are on all pages.
func (s *Store) Board(ctx context.Context, filter watch.BoardFilter) (page []watch.Summary, total int, err error) {
	err = s.view(ctx, "list states", func(t tx) error {
		where := boardConditions(filter)
		total, err = one[int](ctx, t, `SELECT count(*) FROM target LEFT JOIN target_state ON target_state.target = target.name`+where.text(), where.args...)
		if err != nil {
			return err
		}
		rows, err := all[stateRow](ctx, t, summaryQuery+where.text()+` ORDER BY `+boardOrder(filter.Order)+` LIMIT ? OFFSET ?`,
			append(where.args, limitOf(filter.Limit), filter.Offset)...)
		if err != nil {
			return err
		}
		page, err = convert(rows, stateRow.summary)
		return err
	})
	return page, total, err
}

// literal keeps LIKE from reading what a person typed as a pattern.
var literal = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func boardConditions(f watch.BoardFilter) conditions {
	var where conditions
	if f.Text != "" {
		where.add(`lower(target.name) LIKE ? ESCAPE '\'`, "%"+literal.Replace(strings.ToLower(f.Text))+"%")
	}
	switch f.Status {
	case "":
	case watch.NotEvaluated:
		where.add(`coalesce(status, '') = ''`)
	default:
		where.add(`status = ?`, f.Status)
	}
	if f.Failing {
		where.add(`coalesce(problem, '') <> ''`)
	}
	return where
}

func boardOrder(order watch.BoardOrder) string {
	switch order {
	case watch.BySeverity:
		return `coalesce(critical, 0) DESC, coalesce(high, 0) DESC, coalesce(medium, 0) DESC, coalesce(low, 0) DESC, target.name`
	case watch.ByChange:
		return `coalesce(changed, 0) DESC, target.name`
	}
	return `target.name`
}

type registryRow struct {
	Registry string
	Tags     int
	Failing  int
	Checked  int64
	Problem  string
}

// RegistryStates are the registries of all targets with how looking at them
// goes, by host.
func (s *Store) RegistryStates(ctx context.Context) ([]watch.RegistryState, error) {
	var states []watch.RegistryState
	err := s.view(ctx, "list registries", func(t tx) error {
		rows, err := all[registryRow](ctx, t, `SELECT registry, count(*) AS tags, count(CASE WHEN problem <> '' THEN 1 END) AS failing,
			coalesce(max(checked), 0) AS checked, coalesce(max(problem), '') AS problem
			FROM target LEFT JOIN target_state ON target_state.target = target.name GROUP BY registry ORDER BY registry`)
		if err != nil {
			return err
		}
		states, err = convert(rows, registryRow.state)
		return err
	})
	return states, err
}

func (r registryRow) state() (watch.RegistryState, error) {
	problem, err := parseOptional[watch.Problem](r.Problem)
	return watch.RegistryState{Registry: r.Registry, Tags: r.Tags, Failing: r.Failing, Checked: moment(r.Checked), Example: problem}, err
}
