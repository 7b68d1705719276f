package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// StoredNotification is a notification with its place in the order in which they
// were stored.
type StoredNotification struct {
	// Seq grows with each notification, with gaps. Those above a remembered Seq
	// are new to whoever remembers it; none appears below later.
	Seq int64
	notification.Notification
}

// NotificationFilter selects notifications; its zero value selects the first
// 1,000.
type NotificationFilter struct {
	After   int64               // Seq
	Before  int64               // Seq; 0 for no bound
	Types   []notification.Type // empty for all
	Subject string
	// Subjects are those that may be selected; nil for all.
	Subjects []string
	// Repository selects those about it and about its tags, under any of its names; empty
	// for all.
	Repository image.Repository
	Limit      int  // 0 for 1,000
	Newest     bool // newest first
}

type notificationRow struct {
	Seq     int64
	ID      string
	Type    string
	Subject string
	Cause   string
	Created int64
	Summary string
	Payload []byte
	Trace   string
}

const notificationColumns = `seq, id, type, subject, cause, created, summary, payload, trace`

func (r notificationRow) stored() (StoredNotification, error) {
	payload, err := decompress(r.Payload)
	return StoredNotification{Seq: r.Seq, Notification: notification.Notification{ID: r.ID, Type: notification.Type(r.Type), Subject: r.Subject,
		Cause: notification.Cause(r.Cause), Created: timeOf(r.Created), Payload: payload, Summary: r.Summary, Trace: r.Trace}}, err
}

// tell stores notifications and deliveries, each once. It comes last in a
// transaction, since the counter's row lets one transaction at a time pass.
func (t tx) tell(ctx context.Context, notifications []notification.Notification, deliveries []delivery.Delivery) error {
	if len(notifications) > 0 {
		seq, err := t.reserve(ctx, notificationCounter, len(notifications))
		if err != nil {
			return err
		}
		rows := make([][]any, len(notifications))
		for i, n := range notifications {
			rows[i] = []any{seq + int64(i), n.ID, string(n.Type), n.Subject, string(n.Cause), toMicros(n.Created), n.Summary, compress(n.Payload), n.Trace}
		}
		if err := t.insert(ctx, `notification (`+notificationColumns+`)`, rows, `ON CONFLICT (id) DO NOTHING`); err != nil {
			return err
		}
	}
	return t.insertDeliveries(ctx, deliveries)
}

// Publish stores a notification and a delivery to each endpoint that the options
// and its type route it to, due at once and given up after deadline. It returns
// the names of the endpoints that it is still to be delivered to. Publishing the
// same id again stores nothing.
func (s *Store) Publish(ctx context.Context, n notification.Notification, options subscription.Options, deadline time.Duration) (endpoints []string, err error) {
	err = s.change(ctx, "publish "+n.ID, func(t tx) error {
		endpoints, err = t.publishOnce(ctx, n, options, deadline)
		return err
	})
	return endpoints, err
}

func (t tx) publishOnce(ctx context.Context, n notification.Notification, options subscription.Options, deadline time.Duration) (endpoints []string, err error) {
	_, known, err := first[string](ctx, t, `SELECT id FROM notification WHERE id = ?`, n.ID)
	if err != nil {
		return nil, err
	}
	if !known {
		if err := t.publish(ctx, n, options, deadline); err != nil {
			return nil, err
		}
	}
	return all[string](ctx, t, `SELECT endpoint FROM delivery WHERE notification = ? AND state = ? ORDER BY endpoint`, n.ID, string(delivery.Pending))
}

func (t tx) publish(ctx context.Context, n notification.Notification, options subscription.Options, deadline time.Duration) error {
	stored, err := t.endpoints(ctx)
	if err != nil {
		return err
	}
	names, _ := subscription.Route(options, n.Type, n.Subject, stored)
	return t.tell(ctx, []notification.Notification{n}, delivery.Deliveries(n, names, deadline))
}

// NotificationSubjects are what notifications are about, each once.
func (s *Store) NotificationSubjects(ctx context.Context) (subjects []string, err error) {
	err = s.view(ctx, "list subjects", func(t tx) (err error) {
		subjects, err = all[string](ctx, t, `SELECT DISTINCT subject FROM notification`)
		return err
	})
	return subjects, err
}

// Notifications lists those that the filter selects, in the order in which they
// were stored, or the newest first.
func (s *Store) Notifications(ctx context.Context, filter NotificationFilter) ([]StoredNotification, error) {
	var where conditions
	where.add("seq > ?", filter.After)
	if filter.Before > 0 {
		where.add("seq < ?", filter.Before)
	}
	oneOf(&where, "type", filter.Types)
	if filter.Subject != "" {
		where.add("subject = ?", filter.Subject)
	}
	where.about(filter.Repository)
	order := " ORDER BY seq LIMIT ?"
	if filter.Newest {
		order = " ORDER BY seq DESC LIMIT ?"
	}
	var notifications []StoredNotification
	err := s.view(ctx, "list notifications", func(t tx) error {
		if err := where.among(t, "subject", filter.Subjects); err != nil {
			return err
		}
		rows, err := all[notificationRow](ctx, t, `SELECT `+notificationColumns+` FROM notification`+where.text()+order,
			append(where.args, limitOf(filter.Limit))...)
		if err != nil {
			return err
		}
		notifications, err = convert(rows, notificationRow.stored)
		return err
	})
	return notifications, err
}

// about selects a repository and its tags, whose names begin with its own.
func (c *conditions) about(repository image.Repository) {
	if repository == (image.Repository{}) {
		return
	}
	var either []string
	var args []any
	for _, name := range repository.Names() {
		either = append(either, `subject = ?`, `subject LIKE ? ESCAPE '\'`, `subject LIKE ? ESCAPE '\'`)
		args = append(args, name.String(), literal.Replace(name.String())+":%", literal.Replace(name.String())+"@%")
	}
	c.add("("+strings.Join(either, " OR ")+")", args...)
}

// LastNotification is the Seq of the last one that was stored, 0 without any. It waits for
// nobody and reads no notification.
func (s *Store) LastNotification(ctx context.Context) (seq int64, err error) {
	err = s.view(ctx, "read the number of notifications", func(t tx) error {
		seq, err = one[int64](ctx, t, `SELECT value FROM counter WHERE name = ?`, notificationCounter)
		return err
	})
	return seq, err
}

// notificationCounter counts notifications.
const notificationCounter = "notification"

// Notification reads one by its id, or by a beginning of it that no other has:
// errkind.NotFound if there is none, errkind.Conflict if there are several.
func (s *Store) Notification(ctx context.Context, id string) (StoredNotification, error) {
	var notification StoredNotification
	err := s.view(ctx, "read notification "+id, func(t tx) error {
		rows, err := all[notificationRow](ctx, t, `SELECT `+notificationColumns+` FROM notification WHERE id = ?`, id)
		if err == nil && len(rows) == 0 && id != "" {
			rows, err = all[notificationRow](ctx, t, `SELECT `+notificationColumns+` FROM notification WHERE id > ? AND id < ? ORDER BY id LIMIT 2`,
				id, id+lastCharacter)
		}
		switch {
		case err != nil:
			return err
		case len(rows) == 0:
			return fmt.Errorf("notification not found: %w", errkind.NotFound)
		case len(rows) > 1:
			return fmt.Errorf("several notifications have ids that begin so, as %s and %s: %w", rows[0].ID, rows[1].ID, errkind.Conflict)
		}
		notification, err = rows[0].stored()
		return err
	})
	return notification, err
}

// lastCharacter comes after all that an id is made of.
const lastCharacter = "~"
