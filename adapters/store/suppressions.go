package store

import (
	"context"
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

// suppress keeps a decision about the subject that left out something that differs.
func (t tx) suppress(ctx context.Context, subject string, at time.Time, all []notification.Suppression) error {
	var left []notification.Suppression
	for _, s := range all {
		if s.Differs() {
			left = append(left, s)
		}
	}
	if len(left) == 0 {
		return nil
	}
	document, err := pack(left)
	if err != nil {
		return err
	}
	if err := t.run(ctx, `INSERT INTO suppression (subject, decided, document) VALUES (?, ?, ?)
		ON CONFLICT (subject, decided) DO UPDATE SET document = excluded.document`, subject, toMicros(at), document); err != nil {
		return err
	}
	return t.run(ctx, `DELETE FROM suppression WHERE subject = ? AND decided <=
		(SELECT decided FROM suppression WHERE subject = ? ORDER BY decided DESC LIMIT 1 OFFSET ?)`, subject, subject, suppressionsKept)
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
