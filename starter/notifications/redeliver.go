package notifications

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func RedeliverCommand() *cli.Command {
	return &cli.Command{
		Name:      "redeliver",
		Usage:     "send deliveries again",
		UsageText: "tagwatch redeliver ID... | --since TIME --endpoint NAME",
		Description: `Notifications keep their ids. tagwatch deliveries lists the ids of deliveries. With
--since, all deliveries of that time are sent again, debounced ones only with
--debounced or by id.

   tagwatch redeliver 17 18
   tagwatch redeliver --since 6h --endpoint ops
   tagwatch redeliver --since 72h --endpoint ops --failed`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "since", Usage: "deliveries created within this `time`, such as 6h"},
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "`name` of the endpoint"},
			&cli.BoolFlag{Name: "failed", Usage: "only failed deliveries"},
			&cli.BoolFlag{Name: "debounced", Usage: "only debounced deliveries"},
		},
		Action: session.Action(redeliver),
	}
}

func redeliver(ctx context.Context, s *session.Session) error {
	var ids []int64
	var err error
	if !s.IsSet("since") && !s.IsSet("endpoint") && !s.IsSet("failed") && !s.IsSet("debounced") {
		ids, err = redeliverIDs(ctx, s)
	} else {
		ids, err = redeliverSince(ctx, s)
	}
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	if err := kept.Redeliver(ctx, ids, s.Now); err != nil {
		if errors.Is(err, errkind.NotFound) {
			return exit.Refused("%s; nothing was sent, see: tagwatch deliveries", errkind.Text(err))
		}
		return err
	}
	s.Say("Redelivery of %s requested; see: tagwatch deliveries", wording.Count(len(ids), "delivery"))
	return wakeAll(ctx, s)
}

func redeliverIDs(_ context.Context, s *session.Session) ([]int64, error) {
	given, err := s.Arguments("ID...")
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(given))
	for i, text := range given {
		if ids[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, exit.Usage("invalid delivery id %q: expected a number; see: tagwatch deliveries", text)
		}
	}
	return ids, nil
}

// redeliverSince are the ids of what --since, --endpoint, --failed and --debounced
// select.
func redeliverSince(ctx context.Context, s *session.Session) ([]int64, error) {
	if _, err := s.Arguments(); err != nil {
		return nil, err
	}
	if s.Duration("since") <= 0 || s.String("endpoint") == "" {
		return nil, exit.Usage("--since and --endpoint must be used together, for example:  tagwatch redeliver --since 6h --endpoint ops")
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := kept.Endpoint(ctx, s.String("endpoint")); err != nil {
		return nil, arguments.OfEndpoint(s.String("endpoint"), err)
	}
	state, err := deliveryState(s)
	if err != nil {
		return nil, err
	}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{Endpoint: s.String("endpoint"), State: state,
		Since: s.Now.Add(-s.Duration("since")), Limit: math.MaxInt32})
	var ids []int64
	for _, d := range found {
		if d.State != delivery.Debounced || state == delivery.Debounced {
			ids = append(ids, d.ID)
		}
	}
	return ids, err
}

func wakeAll(ctx context.Context, s *session.Session) error {
	endpoints, err := s.Stored.Endpoints(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(endpoints))
	for i, e := range endpoints {
		names[i] = e.Name
	}
	s.WakeEndpoints(ctx, names...)
	return nil
}
