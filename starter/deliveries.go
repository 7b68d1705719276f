package main

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
)

var deliveryStates = []event.DeliveryState{event.Pending, event.Delivered, event.Failed, event.Debounced}

func deliveriesCommand() *cli.Command {
	return &cli.Command{
		Name: "deliveries", Category: categoryNotified,
		Usage:     "list what was sent to whom, and what came of it",
		UsageText: "tagwatch deliveries [options]",
		Description: `A delivery is one notification on its way to one endpoint. The newest come first.

   tagwatch deliveries --failed
   tagwatch deliveries --endpoint ops --since 24h
   tagwatch deliveries --debounced
   tagwatch deliveries --notification 2f6c4a0e --attempts`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "only to the endpoint of this `name`"},
			&cli.StringFlag{Name: "state", Usage: "only those in this `state`: " + list(deliveryStates)},
			&cli.BoolFlag{Name: "failed", Usage: "only those that were given up"},
			&cli.BoolFlag{Name: "pending", Usage: "only those that are still to be made"},
			&cli.BoolFlag{Name: "debounced", Usage: "only those that were not made, because what they notified was undone"},
			&cli.StringFlag{Name: "notification", Usage: "only of the notification with this `id`, or with one that begins so"},
			&cli.DurationFlag{Name: "since", Usage: "only those created within this `time`, as in 24h"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most so many"},
			&cli.BoolFlag{Name: "attempts", Usage: "every attempt at each"},
			outputFlag(),
		},
		Action: bare(deliveries),
	}
}

// deliveryView is a delivery for programs.
type deliveryView struct {
	ID           int64               `json:"id"`
	Notification string              `json:"notification"`
	Type         event.Type          `json:"type"`
	Subject      string              `json:"subject"`
	Endpoint     string              `json:"endpoint"`
	State        event.DeliveryState `json:"state"`
	Created      time.Time           `json:"created"`
	Attempts     int                 `json:"attempts"`
	LastTry      time.Time           `json:"last_failed_try,omitzero"`
	NextTry      time.Time           `json:"next_try,omitzero"`
	Deadline     time.Time           `json:"deadline,omitzero"`
	Answer       string              `json:"answer,omitempty"`
	Group        string              `json:"group,omitempty"` // message that notified it together with others
	Slim         bool                `json:"slim,omitempty"`  // sent without lists: the receiver refused the size
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
	filter, err := s.deliveryFilter()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if filter.Notification != "" {
		about, err := s.notification(ctx, filter.Notification)
		if err != nil {
			return err
		}
		filter.Notification = about.ID
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
	state, err := s.deliveryState()
	filter := store.DeliveryFilter{Endpoint: s.String("endpoint"), State: state, Notification: s.String("notification"), Limit: s.Int("limit")}
	if err != nil {
		return filter, err
	}
	if filter.Limit < 1 {
		return filter, usage("--limit %d is not positive", filter.Limit)
	}
	if within := s.Duration("since"); within != 0 {
		filter.Since = s.now.Add(-within)
	}
	return filter, nil
}

// deliveryState is the one that --state, --failed, --pending or --debounced asks
// for; "" for none of them.
func (s *session) deliveryState() (event.DeliveryState, error) {
	asked := map[event.DeliveryState]bool{}
	if text := s.String("state"); text != "" {
		asked[event.DeliveryState(text)] = true
	}
	for _, state := range []event.DeliveryState{event.Failed, event.Pending, event.Debounced} {
		if s.Bool(string(state)) {
			asked[state] = true
		}
	}
	if len(asked) > 1 {
		return "", usage("--state, --failed, --pending and --debounced exclude each other")
	}
	for state := range asked {
		if !slices.Contains(deliveryStates, state) {
			return "", usage("state %q (--state) is not one of %s", state, list(deliveryStates))
		}
		return state, nil
	}
	return "", nil
}

func (s *session) deliveryView(ctx context.Context, d event.Delivery) (deliveryView, error) {
	view := deliveryView{ID: d.ID, Notification: d.Notification, Type: d.Type, Subject: d.Subject, Endpoint: d.Endpoint, State: d.State, Created: d.Created,
		Attempts: d.Attempts, LastTry: d.LastTry, Deadline: d.Deadline, Answer: d.Answer, Slim: d.Slim}
	if d.State == event.Pending {
		view.NextTry = d.NextTry
	}
	if d.Message != d.Notification {
		view.Group = d.Message
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
		s.sayNone("delivery", "No deliveries yet; see: tagwatch endpoint list", "endpoint", "state", "failed", "pending", "debounced", "notification", "since")
		return
	}
	t := newTable("ID", "ENDPOINT", "STATE", "TYPE", "ABOUT", "CREATED", "ATTEMPTS", "NEXT TRY", "NOTIFICATION", "GROUP", "ANSWER")
	for _, v := range views {
		t.row(deliveryStyle(v), strconv.FormatInt(v.ID, 10), v.Endpoint, string(v.State), string(v.Type), v.Subject, s.ago(v.Created),
			strconv.Itoa(v.Attempts), s.nextTry(v), shortID(v.Notification), dash(v.Group), v.Answer)
		for _, a := range v.Tries {
			t.row(faint, "", "", "#"+strconv.Itoa(a.Number), "", "", s.ago(a.At), "", "", "", "status "+strconv.Itoa(a.Status), a.Answer)
		}
	}
	t.write(w)
}

// shortID is the beginning of a notification's id, which commands take for the
// whole of it.
func shortID(id string) string { return id[:min(len(id), 8)] }

// nextTry is when a delivery is tried next. One that is due waits for its turn,
// or for its endpoint to be enabled.
func (s *session) nextTry(v deliveryView) string {
	switch {
	case v.NextTry.IsZero():
		return "-"
	case !v.NextTry.After(s.now):
		return "due"
	}
	return s.ago(v.NextTry)
}

func deliveryStyle(v deliveryView) style {
	switch {
	case v.State == event.Failed:
		return bad
	case v.State == event.Pending && v.Attempts > 0:
		return doubtful
	case v.State == event.Debounced:
		return faint
	}
	return ordinary
}
