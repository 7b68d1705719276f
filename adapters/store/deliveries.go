package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// DeliveryFilter selects deliveries; its zero value selects the newest 1,000.
type DeliveryFilter struct {
	IDs          []int64 // none for all
	Endpoint     string
	State        delivery.State
	Notification string // its id
	Type         notification.Type
	Subject      string
	Subjects     []string  // that may be selected; nil for all
	Since        time.Time // created then or later
	Before       int64     // those that the list has behind this one; 0 for all
	Limit        int       // 0 for 1,000
}

type deliveryRow struct {
	ID           int64
	Notification string
	Endpoint     string
	State        string
	Created      int64
	Attempts     int
	Early        int
	LastTry      int64 `db:"last_try"`
	NextTry      int64 `db:"next_try"`
	Deadline     int64 `db:"deadline"`
	Answer       string
	Message      string
	Slim         bool
	Urgent       bool
	Cut          []byte
	Type         string
	Subject      string
}

const deliveryColumns = `d.id, d.notification, d.endpoint, d.state, d.created, d.attempts, d.early, d.last_try, d.next_try, d.deadline, d.answer, d.message, d.slim, d.urgent, d.cut`

func (r deliveryRow) delivery() (delivery.Delivery, error) {
	d := delivery.Delivery{ID: r.ID, Notification: r.Notification, Endpoint: r.Endpoint, State: delivery.State(r.State),
		Created: timeOf(r.Created), Attempts: r.Attempts, Early: r.Early, LastTry: timeOf(r.LastTry), NextTry: timeOf(r.NextTry),
		Deadline: timeOf(r.Deadline), Answer: r.Answer, Message: r.Message, Slim: r.Slim, Urgent: r.Urgent,
		Type: notification.Type(r.Type), Subject: r.Subject}
	var err error
	d.Cut, err = unpack[*delivery.Cut](r.Cut)
	return d, err
}

// insertDeliveries stores each delivery once, whatever its id says.
func (t tx) insertDeliveries(ctx context.Context, deliveries []delivery.Delivery) error {
	rows := make([][]any, len(deliveries))
	for i, d := range deliveries {
		var cut []byte
		if d.Cut != nil {
			var err error
			if cut, err = pack(d.Cut); err != nil {
				return err
			}
		}
		rows[i] = []any{d.Notification, d.Endpoint, string(cmp.Or(d.State, delivery.Pending)), toMicros(d.Created), d.Attempts, toMicros(d.LastTry),
			toMicros(d.NextTry), toMicros(d.Deadline), d.Deadline.Sub(d.Created).Microseconds(), d.Answer, d.Urgent, cut}
	}
	return t.insert(ctx, `delivery (notification, endpoint, state, created, attempts, last_try, next_try, deadline, retry_window, answer, urgent, cut)`,
		rows, `ON CONFLICT (notification, endpoint) DO NOTHING`)
}

type dueRow struct {
	deliveryRow
	Notified notificationRow `db:"n"`
}

// DueDeliveries lists what is to be sent to the endpoint by now, the oldest
// first.
func (s *Store) DueDeliveries(ctx context.Context, endpoint string, now time.Time, limit int) ([]delivery.Due, error) {
	var due []delivery.Due
	err := s.view(ctx, "list due deliveries to "+endpoint, func(t tx) (err error) {
		due, err = t.due(ctx, `d.endpoint = ? AND d.state = 'pending' AND d.next_try <= ?`, limitOf(limit), endpoint, toMicros(now))
		return err
	})
	return due, err
}

// OldestWaiting is the oldest of what is to be delivered to the endpoint later than
// now; none if nothing is.
func (s *Store) OldestWaiting(ctx context.Context, endpoint string, now time.Time) ([]delivery.Due, error) {
	var oldest []delivery.Due
	err := s.view(ctx, "read the oldest delivery to "+endpoint, func(t tx) (err error) {
		oldest, err = t.due(ctx, `d.endpoint = ? AND d.state = 'pending' AND d.next_try > ?`, 1, endpoint, toMicros(now))
		return err
	})
	return oldest, err
}

// due lists deliveries with their notifications, the oldest first.
func (t tx) due(ctx context.Context, where string, limit int, args ...any) ([]delivery.Due, error) {
	rows, err := all[dueRow](ctx, t, `SELECT `+dueColumns+` FROM delivery d JOIN notification n ON n.id = d.notification
		WHERE `+where+` ORDER BY d.created, d.id LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	return convert(rows, dueRow.due)
}

func (r dueRow) due() (delivery.Due, error) {
	made, err := r.delivery()
	if err != nil {
		return delivery.Due{}, err
	}
	stored, err := r.Notified.stored()
	if made.Cut != nil {
		stored.Summary, stored.Payload = made.Cut.Summary, made.Cut.Payload
	}
	return delivery.Due{Delivery: made, Notification: stored.Notification}, err
}

// RecordAttempts stores attempts, each of another delivery, and what they make of their
// deliveries. An attempt that was recorded before is dropped. A delivery that was settled
// meanwhile, as by deleting its endpoint, changes only if it was delivered after all.
func (s *Store) RecordAttempts(ctx context.Context, made []delivery.Attempted) error {
	// One order for everybody, so that transactions cannot block each other.
	made = slices.SortedFunc(slices.Values(made), func(a, b delivery.Attempted) int { return cmp.Compare(a.Attempt.Delivery, b.Attempt.Delivery) })
	return s.change(ctx, fmt.Sprintf("record %d attempts", len(made)), func(t tx) error {
		for some := range slices.Chunk(made, attemptChunk) {
			if err := t.recordAttempts(ctx, some); err != nil {
				return err
			}
		}
		return nil
	})
}

// attemptChunk is how many attempts one statement records.
const attemptChunk = 50

func (t tx) recordAttempts(ctx context.Context, made []delivery.Attempted) error {
	var attempts []any
	for _, m := range made {
		a := m.Attempt
		attempts = append(attempts, a.Delivery, a.Number, toMicros(a.At), a.Duration.Microseconds(), a.Status, a.Answer)
	}
	fresh, err := all[int64](ctx, t, `INSERT INTO attempt (delivery, number, made, duration, status, answer) VALUES `+placeholders(len(made), 6)+`
		ON CONFLICT (delivery, number) DO NOTHING RETURNING delivery`, attempts...)
	if err != nil || len(fresh) == 0 {
		return err
	}
	const row = `(CAST(? AS BIGINT), ?, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), ?, CAST(? AS BOOLEAN))`
	var nexts []any
	for _, m := range made {
		if next := m.Next; slices.Contains(fresh, m.Attempt.Delivery) {
			nexts = append(nexts, m.Attempt.Delivery, string(next.State), next.Attempts, next.Early, toMicros(next.LastTry), toMicros(next.NextTry), next.Answer, next.Slim)
		}
	}
	return t.run(ctx, `UPDATE delivery SET state = column2, attempts = column3, early = column4, last_try = column5, next_try = column6, answer = column7, slim = column8
		FROM (VALUES `+row+strings.Repeat(`, `+row, len(fresh)-1)+`) AS next WHERE id = column1 AND (state = 'pending' OR column2 = 'delivered')`, nexts...)
}

// Backlog is what is still to be delivered to the endpoint.
func (s *Store) Backlog(ctx context.Context, endpoint string) (delivery.Backlog, error) {
	var backlog delivery.Backlog
	err := s.view(ctx, "read the backlog of "+endpoint, func(t tx) error {
		row, err := one[struct {
			Pending int
			Next    int64
			Oldest  int64
		}](ctx, t, `SELECT count(*) AS pending, coalesce(min(next_try), 0) AS next, coalesce(min(created), 0) AS oldest
			FROM delivery WHERE endpoint = ? AND state = 'pending'`, endpoint)
		backlog = delivery.Backlog{Pending: row.Pending, Next: timeOf(row.Next), Oldest: timeOf(row.Oldest)}
		return err
	})
	return backlog, err
}

// DeliveryCounts counts the deliveries to the endpoint by state.
func (s *Store) DeliveryCounts(ctx context.Context, endpoint string) (map[delivery.State]int, error) {
	counts := map[delivery.State]int{}
	err := s.view(ctx, "count deliveries to "+endpoint, func(t tx) error {
		rows, err := all[struct {
			State string
			Count int
		}](ctx, t, `SELECT state, count(*) AS count FROM delivery WHERE endpoint = ? GROUP BY state`, endpoint)
		for _, row := range rows {
			counts[delivery.State(row.State)] = row.Count
		}
		return err
	})
	return counts, err
}

// BacklogEndpoints lists the names of the endpoints that something is still to be
// delivered to.
func (s *Store) BacklogEndpoints(ctx context.Context) ([]string, error) {
	var names []string
	err := s.view(ctx, "list endpoints with a backlog", func(t tx) (err error) {
		names, err = all[string](ctx, t, `SELECT DISTINCT endpoint FROM delivery WHERE state = 'pending' ORDER BY endpoint`)
		return err
	})
	return names, err
}

// Deliveries lists those that the filter selects, the newest first, with what
// they are about.
func (s *Store) Deliveries(ctx context.Context, filter DeliveryFilter) ([]delivery.Delivery, error) {
	var where conditions
	if len(filter.IDs) > 0 {
		args := make([]any, len(filter.IDs))
		for i, id := range filter.IDs {
			args[i] = id
		}
		where.add("d.id IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if filter.Endpoint != "" {
		where.add("d.endpoint = ?", filter.Endpoint)
	}
	if filter.State != "" {
		where.add("d.state = ?", string(filter.State))
	}
	if filter.Notification != "" {
		where.add("d.notification = ?", filter.Notification)
	}
	if filter.Type != "" {
		where.add("n.type = ?", string(filter.Type))
	}
	if filter.Subject != "" {
		where.add("n.subject = ?", filter.Subject)
	}
	if !filter.Since.IsZero() {
		where.add("d.created >= ?", toMicros(filter.Since))
	}
	if filter.Before > 0 {
		where.add("(d.created, d.id) < (SELECT created, id FROM delivery WHERE id = ?)", filter.Before)
	}
	var deliveries []delivery.Delivery
	err := s.view(ctx, "list deliveries", func(t tx) error {
		if err := where.among(t, "n.subject", filter.Subjects); err != nil {
			return err
		}
		rows, err := all[deliveryRow](ctx, t, `SELECT `+deliveryColumns+`, n.type, n.subject
			FROM delivery d JOIN notification n ON n.id = d.notification`+where.text()+` ORDER BY d.created DESC, d.id DESC LIMIT ?`,
			append(where.args, limitOf(filter.Limit))...)
		if err != nil {
			return err
		}
		deliveries, err = convert(rows, deliveryRow.delivery)
		return err
	})
	return deliveries, err
}

// DeliveriesAbout counts deliveries about these subjects by state.
func (s *Store) DeliveriesAbout(ctx context.Context, subjects []string) (number map[delivery.State]int, err error) {
	var where conditions
	err = s.view(ctx, "count deliveries", func(t tx) error {
		if err := where.among(t, "n.subject", subjects); err != nil {
			return err
		}
		rows, err := all[countRow](ctx, t, `SELECT d.state AS name, count(*) AS number FROM delivery d JOIN notification n ON n.id = d.notification`+
			where.text()+` GROUP BY d.state`, where.args...)
		number = map[delivery.State]int{}
		for _, row := range rows {
			number[delivery.State(row.Name)] = row.Number
		}
		return err
	})
	return number, err
}

type attemptRow struct {
	Delivery int64
	Number   int
	Made     int64
	Duration int64
	Status   int
	Answer   string
}

// Attempts lists the attempts of a delivery in their order.
func (s *Store) Attempts(ctx context.Context, d int64) ([]delivery.Attempt, error) {
	var attempts []delivery.Attempt
	err := s.view(ctx, fmt.Sprintf("list attempts of delivery %d", d), func(t tx) error {
		rows, err := all[attemptRow](ctx, t, `SELECT delivery, number, made, duration, status, answer FROM attempt WHERE delivery = ? ORDER BY number`, d)
		if err != nil {
			return err
		}
		attempts, err = convert(rows, func(r attemptRow) (delivery.Attempt, error) {
			return delivery.Attempt{Delivery: r.Delivery, Number: r.Number, At: timeOf(r.Made), Duration: durationOf(r.Duration), Status: r.Status, Answer: r.Answer}, nil
		})
		return err
	})
	return attempts, err
}

// Redeliver makes deliveries due now, whatever became of them, with as much time
// until they are given up as at first. Their attempts count on. What was notified
// together is sent by itself, and in full, even if the receiver refused the size
// before. errkind.NotFound, and nothing changes, if a delivery or its endpoint does not exist.
func (s *Store) Redeliver(ctx context.Context, ids []int64, now time.Time) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	return s.change(ctx, "redeliver", func(t tx) error {
		if err := t.noteRepeated(ctx, ids, now); err != nil {
			return err
		}
		for _, id := range ids {
			n, err := t.exec(ctx, `UPDATE delivery SET state = 'pending', announced = FALSE, slim = FALSE, next_try = ?, deadline = retry_window + ?, message = CASE WHEN message = '' THEN '' ELSE notification END
				WHERE id = ? AND endpoint IN (SELECT name FROM endpoint)`, toMicros(now), toMicros(now), id)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("delivery %d does not exist, or its endpoint was deleted: %w", id, errkind.NotFound)
			}
		}
		return nil
	})
}

// noteRepeated records for the subject of each notification which of its deliveries are
// sent again.
func (t tx) noteRepeated(ctx context.Context, ids []int64, now time.Time) error {
	if !noting(ctx) {
		return nil
	}
	type repeated struct {
		ID              int64
		Subject         string
		Endpoint, State string
	}
	rows, err := allIn[repeated](ctx, t, `SELECT d.id, n.subject, d.endpoint, d.state FROM delivery d JOIN notification n ON n.id = d.notification WHERE d.id IN (?)`, ids)
	if err != nil {
		return err
	}
	before, after := map[string]map[string]string{}, map[string]map[string]string{}
	for _, row := range rows {
		if before[row.Subject] == nil {
			before[row.Subject], after[row.Subject] = map[string]string{}, map[string]string{}
		}
		delivery := fmt.Sprintf("%d to %s", row.ID, row.Endpoint)
		before[row.Subject][delivery], after[row.Subject][delivery] = row.State, "pending, sent again"
	}
	var changes []audit.Change
	for _, subject := range slices.Sorted(maps.Keys(before)) {
		changes = append(changes, audit.Change{Action: audit.DeliveryRepeat, Subject: subject, Before: audit.Plain(before[subject]), After: audit.Plain(after[subject])})
	}
	return t.note(ctx, now, changes...)
}

// MakeDue makes all that is pending for the endpoint due now.
func (s *Store) MakeDue(ctx context.Context, endpoint string, now time.Time) error {
	return s.change(ctx, "make due deliveries to "+endpoint, func(t tx) error { return t.makeDue(ctx, endpoint, now) })
}

func (t tx) makeDue(ctx context.Context, endpoint string, now time.Time) error {
	return t.run(ctx, `UPDATE delivery SET next_try = ? WHERE endpoint = ? AND state = 'pending' AND next_try > ?`,
		toMicros(now), endpoint, toMicros(now))
}
