package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/event"
)

// gather keeps what is told in a summary. An endpoint that has gone meanwhile is
// told of nothing.
func (t tx) gather(ctx context.Context, gathered []event.Gathered) error {
	for _, g := range gathered {
		document, err := format(g.Revision)
		if err != nil {
			return err
		}
		if err := t.run(ctx, `INSERT INTO gathered (endpoint, notification, document)
			SELECT name, ?, ? FROM endpoint WHERE name = ? ON CONFLICT DO NOTHING`, g.Revision.Notification, document, g.Endpoint); err != nil {
			return err
		}
	}
	return nil
}

// Gathered lists what waits for a summary, by endpoint, then by notification.
func (s *Store) Gathered(ctx context.Context) (gathered []event.Gathered, err error) {
	err = s.view(ctx, "list what waits for a summary", func(t tx) error {
		rows, err := all[gatheredRow](ctx, t, `SELECT endpoint, document FROM gathered ORDER BY endpoint, notification`)
		if err != nil {
			return err
		}
		gathered, err = convert(rows, func(row gatheredRow) (event.Gathered, error) {
			revision, err := parse[event.Revision](row.Document)
			return event.Gathered{Endpoint: row.Endpoint, Revision: revision}, err
		})
		return err
	})
	return gathered, err
}

type gatheredRow struct {
	Endpoint string
	Document string
}

// TellGathered stores a summary with its deliveries in place of what it tells.
func (s *Store) TellGathered(ctx context.Context, n event.Notification, deliveries []event.Delivery, told []event.Revision) error {
	ids := make([]string, len(told))
	for i, r := range told {
		ids[i] = r.Notification
	}
	return s.change(ctx, "store the summary "+n.ID, func(t tx) error {
		for _, d := range deliveries {
			if err := runIn(ctx, t, `DELETE FROM gathered WHERE endpoint = ? AND notification IN (?)`, ids, d.Endpoint); err != nil {
				return err
			}
		}
		return t.tell(ctx, []event.Notification{n}, deliveries)
	})
}

// Behind counts the targets whose image holds a package about which there is
// news, and which were not recorded with the current engine yet.
func (s *Store) Behind(ctx context.Context) (behind int, err error) {
	err = s.view(ctx, "count targets that are behind", func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil {
			return err
		}
		behind, err = one[int](ctx, t, `SELECT COUNT(*) FROM target_state WHERE matched AND engine <> ? AND analyzed IN (`+affectedImages+`)`,
			current.Engine, current.Generation)
		return err
	})
	return behind, err
}
