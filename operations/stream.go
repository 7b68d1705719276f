package operations

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
)

// StreamPath is the address of the stream of notifications below /api/v1.
const StreamPath = "/notifications/stream"

// StreamNotifications is one step of the stream of notifications: those behind a cursor,
// and the cursor of the next step. Over HTTP, the steps follow each other in one answer.
var StreamNotifications = Operation[StreamRequest, NotificationList]{Name: "stream-notifications", Summary: "Stream notifications as they are stored",
	Method: http.MethodGet, Path: StreamPath, Scope: token.Read, do: streamNotifications}

// StreamRequest selects notifications.
type StreamRequest struct {
	Types   []notification.Type `query:"type" maxItems:"20" doc:"Only of these types."`
	Subject string              `query:"subject" maxLength:"600" doc:"Only about this tag or repository."`
	After   string              `query:"after" maxLength:"600" doc:"Cursor to begin behind; 0 for the first notification that is stored. By default, the stream begins with the next one."`
	// LastEvent goes before After: a client that connects again has the address that it
	// had at first.
	LastEvent string `header:"Last-Event-ID" maxLength:"600" doc:"Id of the last event that was received, to continue behind it."`
}

// streamStep is how many notifications one step has at most: their payloads are in memory.
const streamStep = 20

func streamNotifications(ctx context.Context, s *System, request StreamRequest) (NotificationList, error) {
	after := cmp.Or(request.LastEvent, request.After)
	if after != "" {
		return listNotifications(ctx, s, NotificationsRequest{Types: request.Types, Subject: request.Subject, Page: Page{After: after, Limit: streamStep}})
	}
	none := NotificationList{Notifications: []Notification{}}
	if err := oneOf("type", notification.Types, request.Types...); err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	last, err := kept.LastNotification(ctx)
	none.Next = strconv.FormatInt(last, 10)
	return none, err
}
