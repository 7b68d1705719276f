package notifications

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func DeliveriesCommand() *cli.Command {
	return &cli.Command{
		Name:      "deliveries",
		Usage:     "list deliveries and their results",
		UsageText: "tagwatch deliveries [options]",
		Description: `A delivery sends one notification to one endpoint. Newest first.

   tagwatch deliveries --failed
   tagwatch deliveries --endpoint ops --since 24h
   tagwatch deliveries --pending --watch
   tagwatch deliveries --debounced
   tagwatch deliveries --notification 2f6c4a0e --attempts`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "only this endpoint `name`"},
			&cli.StringFlag{Name: "state", Usage: "only deliveries in this `state`: " + wording.List(arguments.DeliveryStates)},
			&cli.BoolFlag{Name: "failed", Usage: "only failed deliveries"},
			&cli.BoolFlag{Name: "pending", Usage: "only pending deliveries"},
			&cli.BoolFlag{Name: "debounced", Usage: "only deliveries dropped because their changes cancelled out"},
			&cli.StringFlag{Name: "notification", Usage: "only for the notification with this `id` or id prefix"},
			&cli.DurationFlag{Name: "since", Usage: "only deliveries created within this `time`, such as 24h"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "maximum number of results"},
			&cli.BoolFlag{Name: "attempts", Usage: "show every attempt"},
			session.WatchFlag(),
		}, session.ListFlags()...),
		Action: session.Bare(session.Watched(session.WatchPause, deliveries)),
	}
}

// deliveryView is a delivery for programs.
type deliveryView struct {
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
	Tries        []attemptView     `json:"tries,omitempty"` // with --attempts
}

// attemptView is an attempt for programs.
type attemptView struct {
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"duration_seconds"`
	Status  int       `json:"status"`
	Answer  string    `json:"answer,omitempty"`
}

func deliveries(ctx context.Context, s *session.Session) error {
	filter, err := deliveryFilter(s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	if filter.Notification != "" {
		about, err := newNotification(ctx, s, filter.Notification)
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
		view, err := readDelivery(ctx, s, d)
		if err != nil {
			return err
		}
		views = append(views, view)
	}
	return session.ShowRows(s, session.Rows[deliveryView]{Items: views, Name: func(v deliveryView) string { return strconv.FormatInt(v.ID, 10) }, People: func(w io.Writer, views []deliveryView) { writeDeliveries(s, w, views) }})
}

func deliveryFilter(s *session.Session) (store.DeliveryFilter, error) {
	state, err := deliveryState(s)
	filter := store.DeliveryFilter{Endpoint: s.String("endpoint"), State: state, Notification: s.String("notification"), Limit: s.Int("limit")}
	if err != nil {
		return filter, err
	}
	if filter.Limit < 1 {
		return filter, exit.Usage("invalid value %d for --limit: expected 1 or more", filter.Limit)
	}
	if within := s.Duration("since"); within != 0 {
		filter.Since = s.Now.Add(-within)
	}
	return filter, nil
}

// deliveryState is that of --state, --failed, --pending or --debounced; "" for none of them.
func deliveryState(s *session.Session) (delivery.State, error) {
	selected := map[delivery.State]bool{}
	if text := s.String("state"); text != "" {
		selected[delivery.State(text)] = true
	}
	for _, state := range []delivery.State{delivery.Failed, delivery.Pending, delivery.Debounced} {
		if s.Bool(string(state)) {
			selected[state] = true
		}
	}
	if len(selected) > 1 {
		return "", exit.Usage("--state, --failed, --pending and --debounced cannot be combined")
	}
	for state := range selected {
		if !slices.Contains(arguments.DeliveryStates, state) {
			return "", exit.Usage("invalid value %q for --state: expected one of %s", state, wording.List(arguments.DeliveryStates))
		}
		return state, nil
	}
	return "", nil
}

func readDelivery(ctx context.Context, s *session.Session, d delivery.Delivery) (deliveryView, error) {
	view := deliveryView{ID: d.ID, Notification: d.Notification, Type: d.Type, Subject: d.Subject, Endpoint: d.Endpoint, State: d.State, Created: d.Created,
		Attempts: d.Attempts, LastTry: d.LastTry, Deadline: d.Deadline, Answer: d.Answer, Slim: d.Slim}
	if d.State == delivery.Pending {
		view.NextTry = d.NextTry
	}
	if d.Message != d.Notification {
		view.Group = d.Message
	}
	if !s.Bool("attempts") {
		return view, nil
	}
	attempts, err := s.Stored.Attempts(ctx, d.ID)
	for _, a := range attempts {
		view.Tries = append(view.Tries, attemptView{a.Number, a.At, a.Duration.Seconds(), a.Status, a.Answer})
	}
	return view, err
}

func writeDeliveries(s *session.Session, w io.Writer, views []deliveryView) {
	if len(views) == 0 {
		s.SayNone("delivery", "No deliveries yet; see: tagwatch endpoint list", "endpoint", "state", "failed", "pending", "debounced", "notification", "since")
		return
	}
	t := output.NewTable("ID", "ENDPOINT", "STATE", "TYPE", "SUBJECT", "CREATED", "ATTEMPTS", "NEXT ATTEMPT", "NOTIFICATION", "GROUP", "RESPONSE").Drop("GROUP", "NOTIFICATION", "TYPE", "ATTEMPTS", "NEXT ATTEMPT", "CREATED")
	for _, v := range views {
		t.Row(deliveryStyle(v), strconv.FormatInt(v.ID, 10), v.Endpoint, string(v.State), string(v.Type), v.Subject, s.Ago(v.Created),
			strconv.Itoa(v.Attempts), nextTry(s, v), output.ShortID(v.Notification), output.Dash(v.Group), v.Answer)
		for _, a := range v.Tries {
			t.Row(output.Faint, "", "", "#"+strconv.Itoa(a.Number), "", "", s.Ago(a.At), "", "", "", "status "+strconv.Itoa(a.Status), a.Answer)
		}
	}
	t.Write(w)
}

// nextTry is when the next attempt is. A delivery that is due may wait for others, or for
// its endpoint to be enabled.
func nextTry(s *session.Session, v deliveryView) string {
	switch {
	case v.NextTry.IsZero():
		return "-"
	case !v.NextTry.After(s.Now):
		return "due"
	}
	return s.Ago(v.NextTry)
}

func deliveryStyle(v deliveryView) output.Style {
	switch {
	case v.State == delivery.Failed:
		return output.Bad
	case v.State == delivery.Pending && v.Attempts > 0:
		return output.Doubtful
	case v.State == delivery.Debounced:
		return output.Faint
	}
	return output.Ordinary
}
