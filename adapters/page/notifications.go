package page

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// notificationsPerPage is how many notifications a page lists.
const notificationsPerPage = 50

type notificationsPage struct {
	Types   []notification.Type
	Type    notification.Type
	Subject string
	Rows    []notificationRow
	Older   string
	Newest  string // back to the beginning; empty there
}

func (s *Site) notifications(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	query := r.URL.Query()
	page := notificationsPage{Types: notification.Types, Subject: shorten(query.Get("subject"), 600)}
	before, err := page.choose(query)
	if err != nil {
		s.problem(w, r, "notifications", err)
		return
	}
	rows, err := s.notified(ctx, NotificationFilter{Before: before, Type: page.Type, Subject: page.Subject, Limit: notificationsPerPage})
	if err != nil {
		s.problem(w, r, "notifications", err)
		return
	}
	page.Rows = rows
	kept := url.Values{}
	for key, value := range map[string]string{"type": string(page.Type), "subject": page.Subject} {
		if value != "" {
			kept.Set(key, value)
		}
	}
	if before > 0 {
		page.Newest = "/notifications?" + kept.Encode()
	}
	if len(rows) == notificationsPerPage {
		kept.Set("before", strconv.FormatInt(rows[len(rows)-1].Seq, 10))
		page.Older = "/notifications?" + kept.Encode()
	}
	s.show(w, r, "notifications", "notifications", "Notifications", page)
}

type notificationPage struct {
	notification.Notification
	notification.Explanation
	Deliveries []delivery.Delivery
	// Tag reports that the subject has a page of its own.
	Tag bool
}

func (s *Site) notification(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	id := r.URL.Query().Get("id")
	found, err := s.Read.NotificationByID(ctx, id)
	if err != nil {
		s.problem(w, r, "notifications", err)
		return
	}
	page := notificationPage{Notification: found, Tag: found.Type != notification.RepoUpdate && found.Type != notification.EventLog}
	// A payload that cannot be explained still has a summary.
	page.Explanation, _ = notification.Explain(found)
	if page.Deliveries, err = s.Read.DeliveriesOf(ctx, found.ID); err != nil {
		s.problem(w, r, "notifications", err)
		return
	}
	s.show(w, r, "notification", "notifications", string(found.Type)+" of "+found.Subject, page)
}

// choose reads the filter and the place to begin at from the address.
func (p *notificationsPage) choose(query url.Values) (before int64, err error) {
	if text := query.Get("type"); text != "" {
		if p.Type, err = notification.ParseType(text); err != nil {
			return 0, err
		}
	}
	if text := query.Get("before"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, fmt.Errorf("before=%q: %w", text, errkind.Invalid)
		}
	}
	return before, nil
}
