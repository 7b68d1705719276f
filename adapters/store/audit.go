package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
)

// trail is what a transaction did for the audit trail.
type trail struct {
	wrote, noted bool
}

// errUnnoted is a change by somebody that the audit trail would not have: it is not made.
var errUnnoted = errors.New("this change would be missing from the audit trail, so it is not made; please report it")

func (r *trail) check(ctx context.Context) error {
	if audit.ActorOf(ctx) != (audit.Actor{}) && r.wrote && !r.noted {
		return errUnnoted
	}
	return nil
}

// note records changes by the actor of the context, in the transaction that makes them.
// Those that change nothing, and those that Tagwatch makes itself, are left out.
func (t tx) note(ctx context.Context, now time.Time, changes ...audit.Change) error {
	t.trail.noted = true
	actor := audit.ActorOf(ctx)
	if actor == (audit.Actor{}) {
		return nil
	}
	var rows [][]any
	for _, c := range changes {
		before, after, err := audit.Compare(c.Before, c.After)
		if err != nil {
			return err
		}
		if before != nil || after != nil {
			rows = append(rows, []any{toMicros(now), actor.Name, string(actor.Via), string(c.Action), c.Subject, string(before), string(after)})
		}
	}
	return t.insert(ctx, `audit (made, who, via, action, subject, before, after)`, rows, ``)
}

// noting reports whether the context has an actor: without one, there is no need to read
// how a subject was before.
func noting(ctx context.Context) bool { return audit.ActorOf(ctx) != (audit.Actor{}) }

type auditRow struct {
	ID                        int64
	Made                      int64
	Who, Via, Action, Subject string
	Before, After             string
}

func (r auditRow) entry() (audit.Entry, error) {
	e := audit.Entry{ID: r.ID, At: timeOf(r.Made), Actor: audit.Actor{Name: r.Who, Via: audit.Via(r.Via)}, Action: audit.Action(r.Action), Subject: r.Subject}
	if r.Before != "" {
		e.Before = json.RawMessage(r.Before)
	}
	if r.After != "" {
		e.After = json.RawMessage(r.After)
	}
	return e, nil
}

// Audit lists the changes that the filter selects, the newest first.
func (s *Store) Audit(ctx context.Context, filter audit.Filter) (entries []audit.Entry, err error) {
	err = s.view(ctx, "read the audit trail", func(t tx) error {
		var where conditions
		if !filter.Since.IsZero() {
			where.add("made >= ?", toMicros(filter.Since))
		}
		if filter.Who != "" {
			where.add("who = ?", filter.Who)
		}
		if filter.Subject != "" {
			where.add("(subject = ? OR subject > ? AND subject < ?)", filter.Subject, filter.Subject+"@", filter.Subject+"A")
		}
		if filter.Before != 0 {
			where.add("id < ?", filter.Before)
		}
		rows, err := all[auditRow](ctx, t, `SELECT id, made, who, via, action, subject, before, after FROM audit`+where.text()+` ORDER BY id DESC LIMIT ?`,
			append(where.args, limitOf(filter.Limit))...)
		if err == nil {
			entries, err = convert(rows, auditRow.entry)
		}
		return err
	})
	return entries, err
}

// PruneAudit removes the changes that were made before that time, and counts them.
func (s *Store) PruneAudit(ctx context.Context, before time.Time) (removed int64, err error) {
	err = s.change(ctx, "prune the audit trail", func(t tx) (err error) {
		removed, err = t.exec(ctx, `DELETE FROM audit WHERE made < ?`, toMicros(before))
		return err
	})
	return removed, err
}
