package main

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
)

func redeliverCommand() *cli.Command {
	return &cli.Command{
		Name: "redeliver", Category: categoryNotified,
		Usage:     "send deliveries again, whatever became of them",
		UsageText: "tagwatch redeliver ID... | --since TIME --endpoint NAME",
		Description: `The notification keeps its id. Find the ids of deliveries with tagwatch deliveries.
With --since, everything is sent again that was notified within that time; what was
debounced, only with --debounced or by its id.

   tagwatch redeliver 17 18
   tagwatch redeliver --since 6h --endpoint ops
   tagwatch redeliver --since 72h --endpoint ops --failed`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "since", Usage: "all deliveries created within this `time`, as in 6h"},
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "to the endpoint of this `name`"},
			&cli.BoolFlag{Name: "failed", Usage: "only those that were given up"},
			&cli.BoolFlag{Name: "debounced", Usage: "only those that were debounced"},
		},
		Action: action(redeliver),
	}
}

func redeliver(ctx context.Context, s *session) error {
	chosen := s.redeliverSince
	if !s.IsSet("since") && !s.IsSet("endpoint") && !s.IsSet("failed") && !s.IsSet("debounced") {
		chosen = s.redeliverIDs
	}
	ids, err := chosen(ctx)
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.Redeliver(ctx, ids, s.now); err != nil {
		if errors.Is(err, errkind.NotFound) {
			return refused("%s; nothing is sent again, see: tagwatch deliveries", errkind.Text(err))
		}
		return err
	}
	s.say("%s sent again; see: tagwatch deliveries", isAre(len(ids), "delivery"))
	return s.wakeAll(ctx)
}

// redeliverIDs are the ids of the arguments.
func (s *session) redeliverIDs(context.Context) ([]int64, error) {
	given, err := s.arguments("ID...")
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(given))
	for i, text := range given {
		if ids[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, usage("%q is not the id of a delivery, which is a number; see: tagwatch deliveries", text)
		}
	}
	return ids, nil
}

// redeliverSince are the ids of what --since, --endpoint, --failed and --debounced
// select.
func (s *session) redeliverSince(ctx context.Context) ([]int64, error) {
	if _, err := s.arguments(); err != nil {
		return nil, err
	}
	if s.Duration("since") <= 0 || s.String("endpoint") == "" {
		return nil, usage("--since and --endpoint go together, as in: tagwatch redeliver --since 6h --endpoint ops")
	}
	kept, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := kept.Endpoint(ctx, s.String("endpoint")); errors.Is(err, errkind.NotFound) {
		return nil, noEndpoint(s.String("endpoint"))
	}
	state, err := s.deliveryState()
	if err != nil {
		return nil, err
	}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{Endpoint: s.String("endpoint"), State: state,
		Since: s.now.Add(-s.Duration("since")), Limit: math.MaxInt32})
	var ids []int64
	for _, d := range found {
		if d.State != event.Debounced || state == event.Debounced {
			ids = append(ids, d.ID)
		}
	}
	return ids, err
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
