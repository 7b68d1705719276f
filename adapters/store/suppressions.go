package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// StoredSuppression is a suppression with the time of the decision.
type StoredSuppression struct {
	At time.Time
	notification.Suppression
}

// suppressionsKept is how many decisions are kept of a subject.
const suppressionsKept = 50

// decisionsOf are decisions by the subject that they are about.
type decisionsOf map[string]suppressedAt

type suppressedAt struct {
	at  time.Time
	all []notification.Suppression
}

// suppress keeps what is not notified, and why: the newest decisions of the subject.
func (t tx) suppress(ctx context.Context, subject string, at time.Time, all []notification.Suppression) error {
	if err := t.suppressAll(ctx, decisionsOf{subject: {at, all}}); err != nil {
		return err
	}
	return t.run(ctx, `DELETE FROM suppression WHERE subject = ? AND decided <=
		(SELECT decided FROM suppression WHERE subject = ? ORDER BY decided DESC LIMIT 1 OFFSET ?)`, subject, subject, suppressionsKept)
}

// suppressAll is suppress for many subjects, of which older decisions stay until the
// next decision about one of them.
func (t tx) suppressAll(ctx context.Context, decisions decisionsOf) error {
	var rows [][]any
	for _, subject := range slices.Sorted(maps.Keys(decisions)) {
		decided := decisions[subject]
		left := slices.DeleteFunc(slices.Clone(decided.all), func(s notification.Suppression) bool { return !s.Differs() })
		if len(left) == 0 {
			continue
		}
		document, err := pack(left)
		if err != nil {
			return err
		}
		rows = append(rows, []any{subject, toMicros(decided.at), document})
	}
	return t.insert(ctx, `suppression (subject, decided, document)`, rows, `ON CONFLICT (subject, decided) DO UPDATE SET document = excluded.document`)
}

// Suppressions are what was not notified of the subject since then, the newest first.
func (s *Store) Suppressions(ctx context.Context, subject string, since time.Time) (found []StoredSuppression, err error) {
	err = s.view(ctx, "list what was not notified of "+subject, func(t tx) error {
		found = nil
		rows, err := all[struct {
			Decided  int64
			Document []byte
		}](ctx, t, `SELECT decided, document FROM suppression WHERE subject = ? AND decided >= ? ORDER BY decided DESC`, subject, toMicros(since))
		if err != nil {
			return err
		}
		for _, row := range rows {
			left, err := unpack[[]notification.Suppression](row.Document)
			if err != nil {
				return err
			}
			for _, each := range left {
				found = append(found, StoredSuppression{timeOf(row.Decided), each})
			}
		}
		return nil
	})
	return found, err
}
