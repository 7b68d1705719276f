package operations

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
)

// DeliveryStates are the states to choose deliveries by.
var DeliveryStates = []delivery.State{delivery.Pending, delivery.Delivered, delivery.Failed, delivery.Debounced}

// ListDeliveries lists deliveries, the newest first.
var ListDeliveries = Operation[DeliveriesRequest, DeliveryList]{Name: "list-deliveries", Summary: "List deliveries, the newest first",
	Method: http.MethodGet, Path: "/deliveries", Scope: token.Read, do: listDeliveries}

// DeliveriesRequest selects deliveries.
type DeliveriesRequest struct {
	Endpoint     string         `query:"endpoint" maxLength:"63" doc:"Only to this endpoint."`
	State        delivery.State `query:"state" maxLength:"20" doc:"Only in this state: pending, delivered, failed or debounced."`
	Notification string         `query:"notification" maxLength:"64" doc:"Only of the notification with this id, or with an id that begins so."`
	Since        time.Time      `query:"since" doc:"Only those created then or later."`
	Attempts     bool           `query:"attempts" doc:"With every attempt."`
	Page
}

// DeliveryList is a page of deliveries.
type DeliveryList struct {
	Deliveries []Delivery `json:"deliveries"`
	Next       string     `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Delivery sends one notification to one endpoint.
type Delivery struct {
	ID           int64             `json:"id"`
	Notification string            `json:"notification"`
	Type         notification.Type `json:"type"`
	Subject      string            `json:"subject"`
	Endpoint     string            `json:"endpoint"`
	State        delivery.State    `json:"state"`
	Created      time.Time         `json:"created"`
	Attempts     int               `json:"attempts"`
	LastTry      time.Time         `json:"last_failed_try,omitzero"`
	NextTry      time.Time         `json:"next_try,omitzero"`
	Deadline     time.Time         `json:"deadline,omitzero"`
	Answer       string            `json:"answer,omitempty"`
	Group        string            `json:"group,omitempty"` // message that carries it together with others
	Slim         bool              `json:"slim,omitempty"`  // sent without lists: the receiver refused the size
	Tries        []Attempt         `json:"tries,omitempty"` // if asked for
}

// Attempt is an attempt to deliver.
type Attempt struct {
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"duration_seconds"`
	Status  int       `json:"status"`
	Answer  string    `json:"answer,omitempty"`
}

func listDeliveries(ctx context.Context, s *System, request DeliveriesRequest) (DeliveryList, error) {
	list := DeliveryList{Deliveries: []Delivery{}}
	if request.State != "" {
		if err := oneOf("state", DeliveryStates, request.State); err != nil {
			return list, err
		}
	}
	limit, err := request.limit()
	if err != nil {
		return list, err
	}
	filter := store.DeliveryFilter{Endpoint: request.Endpoint, State: request.State, Since: request.Since, Limit: min(limit+1, readAtOnce)}
	if filter.Before, err = request.number(); err != nil {
		return list, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	if request.Notification != "" {
		about, err := s.notification(ctx, request.Notification)
		if err != nil {
			return list, err
		}
		filter.Notification = about.ID
	}
	for read := 0; read < mostRead; read += filter.Limit {
		found, err := kept.Deliveries(ctx, filter)
		if err != nil {
			return list, err
		}
		for _, d := range found {
			if len(list.Deliveries) == limit {
				list.Next = strconv.FormatInt(filter.Before, 10)
				return list, nil
			}
			filter.Before = d.ID
			if !s.Bounds.IncludeSubject(d.Subject) {
				continue
			}
			shown, err := deliveryOf(ctx, kept, d, request.Attempts)
			if err != nil {
				return list, err
			}
			list.Deliveries = append(list.Deliveries, shown)
		}
		if len(found) < filter.Limit {
			return list, nil
		}
	}
	list.Next = strconv.FormatInt(filter.Before, 10)
	return list, nil
}

func deliveryOf(ctx context.Context, kept *store.Store, d delivery.Delivery, attempts bool) (Delivery, error) {
	shown := Delivery{ID: d.ID, Notification: d.Notification, Type: d.Type, Subject: d.Subject, Endpoint: d.Endpoint, State: d.State, Created: d.Created,
		Attempts: d.Attempts, LastTry: d.LastTry, Deadline: d.Deadline, Answer: d.Answer, Slim: d.Slim}
	if d.State == delivery.Pending {
		shown.NextTry = d.NextTry
	}
	if d.Message != d.Notification {
		shown.Group = d.Message
	}
	if !attempts {
		return shown, nil
	}
	tries, err := kept.Attempts(ctx, d.ID)
	for _, a := range tries {
		shown.Tries = append(shown.Tries, Attempt{a.Number, a.At, a.Duration.Seconds(), a.Status, a.Answer})
	}
	return shown, err
}
