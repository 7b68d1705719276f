package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

type conditionRow struct {
	Kind      string
	Resource  string
	Name      string
	Step      string
	ErrorKind string `db:"error_kind"`
	Message   string
	Since     int64
	Confirmed bool
	Notified  int64
}

const conditionColumns = `kind, resource, name, step, error_kind, message, since, confirmed, notified`

func (r conditionRow) condition() condition.Condition {
	return condition.Condition{Key: condition.Key{Kind: condition.Kind(r.Kind), Resource: condition.Resource(r.Resource), Name: r.Name},
		Step: r.Step, ErrorKind: r.ErrorKind, Message: r.Message, Since: timeOf(r.Since), Confirmed: r.Confirmed, Notified: timeOf(r.Notified)}
}

// Conditions lists the conditions in the scope, by kind, resource and name.
func (s *Store) Conditions(ctx context.Context, scope condition.Scope) (list []condition.Condition, err error) {
	err = s.view(ctx, "list conditions", func(t tx) error {
		list, err = t.conditions(ctx, scope, "")
		return err
	})
	return list, err
}

func (t tx) conditions(ctx context.Context, scope condition.Scope, locking string) ([]condition.Condition, error) {
	var where conditions
	oneOf(&where, "kind", scope.Kinds)
	if scope.Resource != "" {
		where.add("resource = ?", string(scope.Resource))
	}
	if scope.Name != "" {
		where.add("name = ?", scope.Name)
	}
	rows, err := all[conditionRow](ctx, t, `SELECT `+conditionColumns+` FROM condition`+where.text()+` ORDER BY kind, resource, name`+locking, where.args...)
	if err != nil {
		return nil, err
	}
	var list []condition.Condition
	for _, row := range rows {
		list = append(list, row.condition())
	}
	return list, nil
}

// FollowConditions stores what a check makes of the conditions in its scope, together
// with the notifications that announce makes of it. It returns what changed, and the
// endpoints that have to be woken. A condition of what nobody watches any more does not
// begin. announce may be called more than once.
func (s *Store) FollowConditions(ctx context.Context, report condition.Report, now time.Time,
	announce func([]condition.Change) ([]notification.Notification, error), window time.Duration) (changes []condition.Change, endpoints []string, err error) {
	err = s.view(ctx, "read conditions", func(t tx) error {
		changes, err = t.follow(ctx, report, now, "")
		return err
	})
	if err != nil || len(changes) == 0 { // by far the most frequent outcome costs no write
		return nil, nil, err
	}
	err = s.change(ctx, "store conditions", func(t tx) error {
		endpoints = nil
		if changes, err = t.follow(ctx, report, now, t.locking); err != nil {
			return err
		}
		for _, change := range changes {
			if err := t.saveCondition(ctx, change); err != nil {
				return err
			}
		}
		notifications, err := announce(changes)
		if err != nil {
			return err
		}
		for _, n := range notifications {
			wanted, err := t.publishOnce(ctx, n, subscription.Options{}, window)
			if err != nil {
				return err
			}
			endpoints = append(endpoints, wanted...)
		}
		return nil
	})
	slices.Sort(endpoints)
	return changes, slices.Compact(endpoints), err
}

// follow is what changes.
func (t tx) follow(ctx context.Context, report condition.Report, now time.Time, locking string) ([]condition.Change, error) {
	before, err := t.conditions(ctx, report.Scope, locking)
	if err != nil {
		return nil, err
	}
	var changes []condition.Change
	for _, change := range condition.Follow(before, report, now) {
		if change.Transition == condition.Nothing {
			continue
		}
		if change.Before == nil {
			if watched, err := t.exists(ctx, change.After.Key); err != nil || !watched {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// present finds what a condition is about.
var present = map[condition.Resource]string{
	condition.Tag:        `SELECT name FROM target WHERE name = ?`,
	condition.Registry:   `SELECT name FROM target WHERE registry = ? LIMIT 1`,
	condition.Repository: `SELECT name FROM repository WHERE name = ?`,
	condition.Endpoint:   `SELECT name FROM endpoint WHERE name = ?`,
	condition.Source:     `SELECT name FROM source WHERE name = ?`,
}

func (t tx) exists(ctx context.Context, key condition.Key) (bool, error) {
	query, goes := present[key.Resource]
	if !goes {
		return true, nil
	}
	_, found, err := first[string](ctx, t, query, key.Name)
	return found, err
}

func (t tx) saveCondition(ctx context.Context, change condition.Change) error {
	key := change.Of().Key
	if change.Before != nil {
		if err := t.run(ctx, `DELETE FROM condition WHERE kind = ? AND resource = ? AND name = ?`, string(key.Kind), string(key.Resource), key.Name); err != nil {
			return err
		}
	}
	if c := change.After; c != nil {
		// Where another transaction begins the same, one of them is repeated.
		return t.insert(ctx, `condition (`+conditionColumns+`)`, [][]any{{string(key.Kind), string(key.Resource), key.Name, c.Step, c.ErrorKind, c.Message,
			toMicros(c.Since), c.Confirmed, toMicros(c.Notified)}}, "")
	}
	return nil
}

// forgetConditions removes what is wrong with what nobody watches any more.
func (t tx) forgetConditions(ctx context.Context, resource condition.Resource, name string) error {
	return t.run(ctx, `DELETE FROM condition WHERE resource = ? AND name = ?`, string(resource), name)
}

// shown is a confirmed condition as users see it; nil without.
func (t tx) shown(ctx context.Context, kind condition.Kind, resource condition.Resource, name string) (*condition.Problem, error) {
	list, err := t.conditions(ctx, condition.Scope{Kinds: []condition.Kind{kind}, Resource: resource, Name: name}, "")
	if list = condition.Confirmed(list); err != nil || len(list) == 0 {
		return nil, err
	}
	return condition.ProblemOf(list[0]), nil
}

// DelayedAt is the longest delay of an analysis for which the registry is to blame; nil
// without any.
func (s *Store) DelayedAt(ctx context.Context, registry string) (delayed *condition.Condition, err error) {
	err = s.view(ctx, "find delayed analyses at "+registry, func(t tx) error {
		row, found, err := first[conditionRow](ctx, t, `SELECT `+qualified("condition", conditionColumns)+` FROM condition JOIN target ON target.name = condition.name
			WHERE kind = ? AND resource = ? AND error_kind = ? AND registry = ? ORDER BY since LIMIT 1`,
			string(condition.Delayed), string(condition.Tag), errkind.Name(errkind.Unavailable), registry)
		if found {
			c := row.condition()
			delayed = &c
		}
		return err
	})
	return delayed, err
}

// qualified names the columns by their table.
func qualified(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}
