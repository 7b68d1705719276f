package operations

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListNotifications lists notifications in the order in which they were stored, or the
// newest first.
var ListNotifications = Operation[NotificationsRequest, NotificationList]{Name: "list-notifications", Summary: "List notifications",
	Method: http.MethodGet, Path: "/notifications", Scope: token.Read, do: listNotifications}

// NotificationsRequest selects notifications.
type NotificationsRequest struct {
	Types   []notification.Type `query:"type" maxItems:"20" doc:"Only of these types."`
	Subject string              `query:"subject" maxLength:"600" doc:"Only about this tag or repository."`
	// Newest lists from the newest to the oldest. Without it a program that remembers
	// Next reads each notification once, however late it comes back.
	Newest bool `query:"newest" doc:"From the newest to the oldest, instead of in the order in which they were stored."`
	Page
}

// NotificationList is a page of notifications.
type NotificationList struct {
	Notifications []Notification `json:"notifications"`
	// Next is set on the last page of those in order as well: what is stored later comes
	// behind it.
	Next string `json:"next,omitempty" doc:"Cursor of what follows. In the order in which they were stored it is always set: notifications stored later come behind it."`
	More bool   `json:"more" doc:"Whether another page follows now."`
}

// Notification is a notification with its place in the order of all.
type Notification struct {
	Cursor  int64              `json:"cursor"`
	ID      string             `json:"id"`
	Type    notification.Type  `json:"type"`
	Cause   notification.Cause `json:"cause,omitempty"`
	Subject string             `json:"subject"`
	Summary string             `json:"summary"`
	Created time.Time          `json:"created"`
	Payload json.RawMessage    `json:"payload"`
}

func listNotifications(ctx context.Context, s *System, request NotificationsRequest) (NotificationList, error) {
	list := NotificationList{Notifications: []Notification{}}
	if err := oneOf("type", notification.Types, request.Types...); err != nil {
		return list, err
	}
	limit, err := request.limit()
	if err != nil {
		return list, err
	}
	cursor, err := request.number()
	if err != nil {
		return list, err
	}
	return s.readNotifications(ctx, store.NotificationFilter{Types: request.Types, Subject: request.Subject, Newest: request.Newest}, cursor, limit)
}

// readNotifications reads a page of those that the filter selects and the caller may see.
func (s *System) readNotifications(ctx context.Context, filter store.NotificationFilter, cursor int64, limit int) (NotificationList, error) {
	list := NotificationList{Notifications: []Notification{}}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	filter.Limit = min(limit+1, readAtOnce)
	for read := 0; read < mostRead; read += filter.Limit {
		if filter.After = cursor; filter.Newest {
			filter.After, filter.Before = 0, cursor
		}
		found, err := kept.Notifications(ctx, filter)
		if err != nil {
			return list, err
		}
		for _, n := range found {
			if len(list.Notifications) == limit {
				list.More, list.Next = true, strconv.FormatInt(cursor, 10)
				return list, nil
			}
			cursor = n.Seq
			if s.Bounds.IncludeSubject(n.Subject) {
				list.Notifications = append(list.Notifications, notificationOf(n))
			}
		}
		if len(found) < filter.Limit {
			if !filter.Newest {
				list.Next = strconv.FormatInt(cursor, 10)
			}
			return list, nil
		}
	}
	list.More, list.Next = true, strconv.FormatInt(cursor, 10)
	return list, nil
}

// ShowNotification shows one notification.
var ShowNotification = Operation[NotificationRequest, Notification]{Name: "show-notification", Summary: "Show a notification",
	Method: http.MethodGet, Path: "/notifications/{id}", Scope: token.Read, do: showNotification}

func showNotification(ctx context.Context, s *System, request NotificationRequest) (Notification, error) {
	n, err := s.notification(ctx, request.ID)
	if err != nil {
		return Notification{}, err
	}
	return notificationOf(n), nil
}

func notificationOf(n store.StoredNotification) Notification {
	return Notification{n.Seq, n.ID, n.Type, n.Cause, n.Subject, n.Summary, n.Created, n.Payload}
}

// notification is the one of an id, or of the beginning of one.
func (s *System) notification(ctx context.Context, id string) (store.StoredNotification, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return store.StoredNotification{}, err
	}
	n, err := kept.Notification(ctx, id)
	switch {
	case errors.Is(err, errkind.Conflict) && s.Bounds.Whole():
		return n, &Refusal{Kind: errkind.Conflict, Text: "notification id " + strconv.Quote(id) + ": " + errkind.Text(err), Hint: "give more characters"}
	case errors.Is(err, errkind.NotFound), errors.Is(err, errkind.Conflict), err == nil && !s.Bounds.IncludeSubject(n.Subject):
		return store.StoredNotification{}, notFound("see: tagwatch notifications", "notification %q not found", id)
	}
	return n, err
}
