package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
)

var deliveryStates = []event.DeliveryState{event.Pending, event.Delivered, event.Failed}

func deliveriesCommand() *cli.Command {
	return &cli.Command{
		Name: "deliveries", Category: categoryTold,
		Usage:     "list what was sent to whom, and what came of it",
		UsageText: "tagwatch deliveries [options]",
		Description: `A delivery is one notification on its way to one endpoint. The newest come first.

   tagwatch deliveries --state failed
   tagwatch deliveries --endpoint ops --since 24h
   tagwatch deliveries --notification 2f6c... --attempts`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "only to the endpoint of this `name`"},
			&cli.StringFlag{Name: "state", Usage: "only those in this `state`: " + list(deliveryStates)},
			&cli.StringFlag{Name: "notification", Usage: "only of the notification with this `id`"},
			&cli.DurationFlag{Name: "since", Usage: "only those created within this `time`, as in 24h"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most so many"},
			&cli.BoolFlag{Name: "attempts", Usage: "every attempt at each"},
			outputFlag(),
		},
		Action: action(deliveries),
	}
}

// deliveryView is a delivery for programs.
type deliveryView struct {
	ID           int64               `json:"id"`
	Notification string              `json:"notification"`
	Endpoint     string              `json:"endpoint"`
	State        event.DeliveryState `json:"state"`
	Created      time.Time           `json:"created"`
	Attempts     int                 `json:"attempts"`
	LastTry      time.Time           `json:"last_failed_try,omitzero"`
	NextTry      time.Time           `json:"next_try,omitzero"`
	GiveUp       time.Time           `json:"give_up,omitzero"`
	Answer       string              `json:"answer,omitempty"`
	Tries        []attemptView       `json:"tries,omitempty"` // with --attempts
}

// attemptView is an attempt for programs.
type attemptView struct {
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"duration_seconds"`
	Status  int       `json:"status"`
	Answer  string    `json:"answer,omitempty"`
}

func deliveries(ctx context.Context, s *session) error {
	if _, err := s.arguments(); err != nil {
		return err
	}
	filter, err := s.deliveryFilter()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	found, err := kept.Deliveries(ctx, filter)
	if err != nil {
		return err
	}
	views := []deliveryView{}
	for _, d := range found {
		view, err := s.deliveryView(ctx, d)
		if err != nil {
			return err
		}
		views = append(views, view)
	}
	return s.show(views, func(w io.Writer) { s.writeDeliveries(w, views) })
}

func (s *session) deliveryFilter() (store.DeliveryFilter, error) {
	filter := store.DeliveryFilter{Endpoint: s.String("endpoint"), State: event.DeliveryState(s.String("state")),
		Notification: s.String("notification"), Limit: s.Int("limit")}
	if filter.State != "" && !slices.Contains(deliveryStates, filter.State) {
		return filter, usage("state %q (--state) is not one of %s", filter.State, list(deliveryStates))
	}
	if filter.Limit < 1 {
		return filter, usage("--limit %d is not positive", filter.Limit)
	}
	if within := s.Duration("since"); within != 0 {
		filter.Since = s.now.Add(-within)
	}
	return filter, nil
}

func (s *session) deliveryView(ctx context.Context, d event.Delivery) (deliveryView, error) {
	view := deliveryView{ID: d.ID, Notification: d.Notification, Endpoint: d.Endpoint, State: d.State, Created: d.Created,
		Attempts: d.Attempts, LastTry: d.LastTry, GiveUp: d.GiveUp, Answer: d.Answer}
	if d.State == event.Pending {
		view.NextTry = d.NextTry
	}
	if !s.Bool("attempts") {
		return view, nil
	}
	attempts, err := s.stored.Attempts(ctx, d.ID)
	for _, a := range attempts {
		view.Tries = append(view.Tries, attemptView{a.Number, a.At, a.Duration.Seconds(), a.Status, a.Answer})
	}
	return view, err
}

func (s *session) writeDeliveries(w io.Writer, views []deliveryView) {
	if len(views) == 0 {
		s.say("No such delivery")
		return
	}
	t := newTable("ID", "ENDPOINT", "STATE", "CREATED", "ATTEMPTS", "NEXT TRY", "NOTIFICATION", "ANSWER")
	for _, v := range views {
		next := "-"
		if !v.NextTry.IsZero() {
			next = s.ago(v.NextTry)
		}
		t.row(deliveryLook(v), strconv.FormatInt(v.ID, 10), v.Endpoint, string(v.State), s.ago(v.Created),
			strconv.Itoa(v.Attempts), next, v.Notification, v.Answer)
		for _, a := range v.Tries {
			t.row(faint, "", "", "#"+strconv.Itoa(a.Number), s.ago(a.At), "", "", "status "+strconv.Itoa(a.Status), a.Answer)
		}
	}
	t.write(w)
}

func deliveryLook(v deliveryView) style {
	switch {
	case v.State == event.Failed:
		return bad
	case v.State == event.Pending && v.Attempts > 0:
		return doubtful
	}
	return ordinary
}

func redeliverCommand() *cli.Command {
	return &cli.Command{
		Name: "redeliver", Category: categoryTold,
		Usage:     "send deliveries again, whatever became of them",
		UsageText: "tagwatch redeliver ID...",
		Description: `The notification keeps its id. Find the ids of deliveries with tagwatch deliveries.

   tagwatch redeliver 17 18
   tagwatch deliveries --state failed -o json | jq '.[].id' | xargs tagwatch redeliver`,
		Action: action(redeliver),
	}
}

func redeliver(ctx context.Context, s *session) error {
	given, err := s.arguments("ID...")
	if err != nil {
		return err
	}
	ids := make([]int64, len(given))
	for i, text := range given {
		if ids[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return usage("%q is not the id of a delivery, which is a number; see: tagwatch deliveries", text)
		}
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.Redeliver(ctx, ids, s.now); err != nil {
		if errors.Is(err, fault.NotFound) {
			return refused("%s; nothing is sent again, see: tagwatch deliveries", plain(err))
		}
		return err
	}
	s.say("%s sent again; see: tagwatch deliveries", isAre(len(ids), "delivery"))
	return s.wakeAll(ctx)
}

func (s *session) wakeAll(ctx context.Context) error {
	endpoints, err := s.stored.Endpoints(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(endpoints))
	for i, e := range endpoints {
		names[i] = e.Name
	}
	s.wake(ctx, names...)
	return nil
}
