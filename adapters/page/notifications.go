package page

import (
	"context"
	"fmt"
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

func (s *Site) notifications(ctx context.Context, query url.Values) (view, error) {
	page := notificationsPage{Types: notification.Types, Subject: shorten(query.Get("subject"), 600)}
	before, err := page.choose(query)
	if err != nil {
		return view{}, err
	}
	if page.Rows, err = s.notified(ctx, NotificationFilter{Before: before, Type: page.Type, Subject: page.Subject, Limit: notificationsPerPage}); err != nil {
		return view{}, err
	}
	kept := url.Values{}
	for key, value := range map[string]string{"type": string(page.Type), "subject": page.Subject} {
		if value != "" {
			kept.Set(key, value)
		}
	}
	if before > 0 {
		page.Newest = "/notifications?" + kept.Encode()
	}
	if len(page.Rows) == notificationsPerPage {
		kept.Set("before", strconv.FormatInt(page.Rows[notificationsPerPage-1].Seq, 10))
		page.Older = "/notifications?" + kept.Encode()
	}
	return view{"notifications", "Notifications", page}, nil
}

type notificationPage struct {
	notification.Notification
	notification.Explanation
	Deliveries []delivery.Delivery
	// Tag reports that the subject has a page of its own.
	Tag bool
}

func (s *Site) notification(ctx context.Context, query url.Values) (view, error) {
	found, err := s.Read.NotificationByID(ctx, query.Get("id"))
	if err != nil {
		return view{}, err
	}
	page := notificationPage{Notification: found, Tag: found.Type != notification.RepoUpdate && found.Type != notification.EventLog}
	// A payload that cannot be explained still has a summary.
	page.Explanation, _ = notification.Explain(found)
	page.Deliveries, err = s.Read.DeliveriesOf(ctx, found.ID)
	return view{"notification", string(found.Type) + " of " + found.Subject, page}, err
}

// choose reads the filter and the first row from the address.
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
