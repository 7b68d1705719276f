package store

import (
	"context"
	"strings"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Overview lists the states of the targets that the filter selects, without their
// documents, and reports how many there are on all pages. Other orders than that by
// name end with the targets of which nothing was recorded yet.
func (s *Store) Overview(ctx context.Context, filter watch.OverviewFilter) (page []watch.Summary, total int, err error) {
	err = s.view(ctx, "list states", func(t tx) error {
		where := overviewConditions(filter)
		if err := where.among(t, "target.name", filter.Among); err != nil {
			return err
		}
		if total, err = one[int](ctx, t, `SELECT count(*)`+unrecorded+where.text(), where.args...); err != nil {
			return err
		}
		rows, err := t.overviewPage(ctx, where, filter)
		if err != nil {
			return err
		}
		page, err = t.summaries(ctx, rows)
		return err
	})
	return page, total, err
}

// literal keeps LIKE from reading what a person typed as a pattern.
var literal = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func overviewConditions(f watch.OverviewFilter) conditions {
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
	if f.Registry != "" {
		where.add(`target.registry = ?`, f.Registry)
	}
	if f.Repository != "" {
		where.add(`target.repository = ?`, f.Repository)
	}
	if f.Source != "" {
		where.add(`EXISTS (SELECT 1 FROM source_member WHERE source_member.target = target.name AND source_member.source = ?)`, f.Source)
	}
	if f.Uncovered {
		where.add(`coverage = ?`, string(vuln.NotCovered))
	}
	if f.Failing {
		where.add(`(coalesce(problem, '') <> '' OR ` + tagWrong + `)`)
	}
	return where
}

type registryRow struct {
	Registry string
	Tags     int
	Failing  int
	Checked  int64
	Problem  string
}

// RegistryStates are the registries of all targets with how checking them
// goes, by host.
func (s *Store) RegistryStates(ctx context.Context) ([]polling.RegistryState, error) {
	var states []polling.RegistryState
	err := s.view(ctx, "list registries", func(t tx) error {
		rows, err := all[registryRow](ctx, t, `SELECT registry, count(*) AS tags,
			count(CASE WHEN problem <> '' OR `+tagWrong+` THEN 1 END) AS failing,
			coalesce(max(CASE WHEN polled > coalesce(checked, 0) THEN polled ELSE checked END), 0) AS checked,
			coalesce(max(problem), '') AS problem
			FROM target LEFT JOIN target_state ON target_state.target = target.name
			GROUP BY registry ORDER BY registry`)
		if err != nil {
			return err
		}
		if states, err = convert(rows, registryRow.state); err != nil {
			return err
		}
		for i := range states {
			if err := t.addExample(ctx, &states[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return states, err
}

// tagWrong selects the targets of which something is wrong now.
const tagWrong = `EXISTS (SELECT 1 FROM condition WHERE resource = 'tag' AND condition.name = target.name AND confirmed)`

// addExample shows what is wrong with the registry, or with one of its tags.
func (t tx) addExample(ctx context.Context, state *polling.RegistryState) error {
	row, found, err := first[conditionRow](ctx, t, `SELECT `+conditionColumns+` FROM condition
		WHERE resource = 'registry' AND condition.name = ? AND confirmed ORDER BY notified DESC LIMIT 1`, state.Registry)
	if err == nil && !found {
		row, found, err = first[conditionRow](ctx, t, `SELECT `+qualified("condition", conditionColumns)+` FROM condition JOIN target ON target.name = condition.name
			WHERE resource = 'tag' AND registry = ? AND confirmed ORDER BY notified DESC LIMIT 1`, state.Registry)
	}
	if found {
		state.Example = condition.ProblemOf(row.condition())
	}
	return err
}

func (r registryRow) state() (polling.RegistryState, error) {
	problem, err := parseOptional[condition.Problem](r.Problem)
	return polling.RegistryState{Registry: r.Registry, Tags: r.Tags, Failing: r.Failing, Checked: timeOf(r.Checked), Example: problem}, err
}
