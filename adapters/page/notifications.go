package page

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// notificationsPerPage is how many notifications a page lists.
const notificationsPerPage = 50

type notificationsPage struct {
	Types   []notification.Type
	Type    notification.Type
	Subject string
	Rows    []notificationRow
	Pager   pager
}

func (s *Site) notifications(ctx context.Context, p *parameters) (view, error) {
	page := notificationsPage{Types: notification.Types, Type: choice(p, "type", notification.Types...), Subject: p.text("subject")}
	before := p.number("before")
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).NotificationPage(ctx, NotificationFilter{Before: before, Type: page.Type, Subject: page.Subject, Limit: notificationsPerPage + 1})
	if err != nil {
		return view{}, err
	}
	found, page.Pager = older(p, "/notifications", notificationsPerPage, found, func(n Notification) int64 { return n.Seq })
	page.Rows, err = s.withDeliveries(ctx, found, page.Subject)
	return view{"notifications", "Notifications", page}, err
}

type notificationPage struct {
	notification.Notification
	notification.Explanation
	Deliveries []delivery.Delivery
	// Tag reports that the subject has a page of its own.
	Tag bool
}

func (s *Site) notification(ctx context.Context, p *parameters) (view, error) {
	id := p.text("id")
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).NotificationByID(ctx, id)
	if err != nil {
		return view{}, err
	}
	page := notificationPage{Notification: found, Tag: found.Type != notification.RepoUpdate && found.Type != notification.EventLog}
	// A payload that cannot be explained still has a summary.
	page.Explanation, _ = notification.Explain(found)
	page.Deliveries, err = readingOf(ctx).DeliveriesOf(ctx, found.ID)
	return view{"notification", string(found.Type) + " of " + found.Subject, page}, err
}
