package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// givenUpStore keeps which deliveries were given up.
type givenUpStore interface {
	GivenUp(ctx context.Context, since time.Time) (map[string]delivery.GivenUp, error)
	Unannounced(ctx context.Context, endpoint string, limit int) ([]delivery.Due, error)
	UnannouncedEndpoints(ctx context.Context) ([]string, error)
	Announced(ctx context.Context, deliveries []int64) error
}

const (
	entryGivenUp = "system.endpoint.notifications_given_up"
	givenUpPage  = 100 // deliveries that one entry of the event log lists
)

// announceGivenUp has the event log know of every delivery to the endpoint that
// was given up, whoever gave it up. The deliveries are noted after the event is
// stored, so that no crash loses one.
//
// An entry that says so and is itself given up makes no further entry: an endpoint
// that refuses everything would never come to an end.
func (a *Activities) announceGivenUp(ctx context.Context, endpoint string) error {
	for {
		lost, err := a.Store.Unannounced(ctx, endpoint, givenUpPage)
		if err != nil || len(lost) == 0 {
			return err
		}
		if entry, occasion := givenUpEntry(endpoint, lost); occasion != "" {
			if err := a.log(ctx, entry, occasion); err != nil {
				return err
			}
		}
		ids := make([]int64, len(lost))
		for i, d := range lost {
			ids[i] = d.Delivery.ID
		}
		if err := a.Store.Announced(ctx, ids); err != nil {
			return err
		}
	}
}

// announceAllGivenUp is announceGivenUp for every endpoint, deleted ones included.
func (a *Activities) announceAllGivenUp(ctx context.Context) error {
	endpoints, err := a.Store.UnannouncedEndpoints(ctx)
	for _, endpoint := range endpoints {
		if err := a.announceGivenUp(ctx, endpoint); err != nil {
			return err
		}
	}
	return err
}

// givenUpEntry lists what was given up. The occasion names each delivery and its
// last attempt: one that is sent again and given up again is announced again.
func givenUpEntry(endpoint string, lost []delivery.Due) (entry notification.Logged, occasion string) {
	var listed []map[string]any
	var occasions []string
	for _, d := range lost {
		if notification.EntryOf(d.Notification) == entryGivenUp {
			continue
		}
		listed = append(listed, map[string]any{"notification": d.Notification.ID, "type": d.Notification.Type,
			"subject": d.Notification.Subject, "answer": d.Delivery.Answer})
		occasions = append(occasions, fmt.Sprintf("%d %s", d.Delivery.ID, since(d.Delivery.LastTry)))
	}
	if len(listed) == 0 {
		return notification.Logged{}, ""
	}
	noun := "notifications"
	if len(listed) == 1 {
		noun = "notification"
	}
	return notification.Logged{Event: entryGivenUp, Level: notification.LevelError, Resource: notification.Resource{ID: endpoint, Kind: "endpoint"},
		Message: fmt.Sprintf("%d %s given up, the last because of: %s", len(listed), noun, listed[len(listed)-1]["answer"]),
		Details: map[string]any{"count": len(listed), "notifications": listed}}, strings.Join(occasions, "\n")
}
