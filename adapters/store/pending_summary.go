package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// gather keeps what is notified in a summary. An endpoint that has gone meanwhile is
// notified of nothing.
func (t tx) gather(ctx context.Context, pending []notification.PendingSummary) error {
	for _, g := range pending {
		document, err := format(g.Revision)
		if err != nil {
			return err
		}
		if err := t.run(ctx, `INSERT INTO pending_summary (endpoint, notification, document)
			SELECT name, ?, ? FROM endpoint WHERE name = ? ON CONFLICT DO NOTHING`, g.Revision.Notification, document, g.Endpoint); err != nil {
			return err
		}
	}
	return nil
}

// PendingSummary lists what waits for a summary, by endpoint, then by notification.
func (s *Store) PendingSummary(ctx context.Context) (pending []notification.PendingSummary, err error) {
	err = s.view(ctx, "list what waits for a summary", func(t tx) error {
		rows, err := all[pendingSummaryRow](ctx, t, `SELECT endpoint, document FROM pending_summary ORDER BY endpoint, notification`)
		if err != nil {
			return err
		}
		pending, err = convert(rows, func(row pendingSummaryRow) (notification.PendingSummary, error) {
			revision, err := parse[notification.Revision](row.Document)
			return notification.PendingSummary{Endpoint: row.Endpoint, Revision: revision}, err
		})
		return err
	})
	return pending, err
}

type pendingSummaryRow struct {
	Endpoint string
	Document string
}

// SendSummary stores a summary with its deliveries in place of what it tells.
func (s *Store) SendSummary(ctx context.Context, n notification.Notification, deliveries []delivery.Delivery, notified []notification.Revision) error {
	ids := make([]string, len(notified))
	for i, r := range notified {
		ids[i] = r.Notification
	}
	return s.change(ctx, "store the summary "+n.ID, func(t tx) error {
		for _, d := range deliveries {
			if err := runIn(ctx, t, `DELETE FROM pending_summary WHERE endpoint = ? AND notification IN (?)`, ids, d.Endpoint); err != nil {
				return err
			}
		}
		return t.tell(ctx, []notification.Notification{n}, deliveries)
	})
}

// Behind counts the targets whose image holds a package about which there is
// news, and which were not recorded with the current matcher yet.
func (s *Store) Behind(ctx context.Context) (behind int, err error) {
	err = s.view(ctx, "count targets that are behind", func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil {
			return err
		}
		behind, err = one[int](ctx, t, `SELECT COUNT(*) FROM target_state WHERE matched AND matcher <> ? AND analyzed IN (`+affectedImages+`)`,
			current.Matcher, current.Build)
		return err
	})
	return behind, err
}
