package notifications

import (
	"context"
	"io"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
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
			&cli.StringFlag{Name: "state", Usage: "only deliveries in this `state`: " + wording.List(operations.DeliveryStates)},
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

func deliveries(ctx context.Context, s *session.Session) error {
	request, err := deliveriesRequest(s)
	if err != nil {
		return err
	}
	found, err := upTo(s.Int("limit"), func(page operations.Page) ([]operations.Delivery, string, error) {
		request.Page = page
		list, err := operations.ListDeliveries.Run(ctx, s.System(), request)
		return list.Deliveries, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Delivery]{Items: found, Name: func(v operations.Delivery) string { return strconv.FormatInt(v.ID, 10) }, People: func(w io.Writer, found []operations.Delivery) { writeDeliveries(s, w, found) }})
}

func deliveriesRequest(s *session.Session) (operations.DeliveriesRequest, error) {
	state, err := deliveryState(s)
	request := operations.DeliveriesRequest{Endpoint: s.String("endpoint"), State: state, Notification: s.String("notification"), Attempts: s.Bool("attempts")}
	if err != nil {
		return request, err
	}
	if limit := s.Int("limit"); limit < 1 {
		return request, exit.Usage("invalid value %d for --limit: expected 1 or more", limit)
	}
	if within := s.Duration("since"); within != 0 {
		request.Since = s.Now.Add(-within)
	}
	return request, nil
}

// upTo reads pages until it has so many items, or all.
func upTo[Item any](limit int, read func(operations.Page) ([]Item, string, error)) ([]Item, error) {
	all, page := []Item{}, operations.Page{}
	for {
		page.Limit = min(limit-len(all), operations.MostPage)
		items, next, err := read(page)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if page.After = next; next == "" || len(all) >= limit {
			return all, nil
		}
	}
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
		return state, nil
	}
	return "", nil
}

func writeDeliveries(s *session.Session, w io.Writer, views []operations.Delivery) {
	if len(views) == 0 {
		s.SayNone("delivery", "No deliveries yet; see: tagwatch endpoint list", "endpoint", "state", "failed", "pending", "debounced", "notification", "since")
		return
	}
	t := output.NewTable("ID", "ENDPOINT", "STATE", "TYPE", "SUBJECT", "CREATED", "ATTEMPTS", "NEXT ATTEMPT", "NOTIFICATION", "GROUP", "RESPONSE").Drop("GROUP", "NOTIFICATION", "TYPE", "ATTEMPTS", "NEXT ATTEMPT", "CREATED")
	for _, v := range views {
		t.Row(deliveryStyle(v), strconv.FormatInt(v.ID, 10), v.Endpoint, string(v.State), string(v.Type), v.Subject, s.Ago(v.Created),
			strconv.Itoa(v.Attempts), nextTry(s, v), output.ShortID(v.Notification), output.Dash(v.Group), v.Answer)
		for _, a := range v.Tries {
			t.Row(output.Faint, "", "", "#"+strconv.Itoa(a.Number), "", "", s.Ago(a.At), "", "", "", statusOf(a), a.Answer)
		}
	}
	t.Write(w)
}

// nextTry is when the next attempt is. A delivery that is due may wait for others, or for
// its endpoint to be enabled.
func nextTry(s *session.Session, v operations.Delivery) string {
	switch {
	case v.NextTry.IsZero():
		return "-"
	case !v.NextTry.After(s.Now):
		return "due"
	}
	return s.Ago(v.NextTry)
}

// statusOf is the status of the response to an attempt, if there was one.
func statusOf(a operations.Attempt) string {
	if a.Status == 0 {
		return "no response"
	}
	return "status " + strconv.Itoa(a.Status)
}

func deliveryStyle(v operations.Delivery) output.Style {
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
