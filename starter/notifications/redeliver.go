package notifications

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
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
	var request operations.RedeliverRequest
	var err error
	if !s.IsSet("since") && !s.IsSet("endpoint") && !s.IsSet("failed") && !s.IsSet("debounced") {
		request.IDs, err = redeliverIDs(s)
	} else {
		request, err = redeliverSince(s)
	}
	if err != nil {
		return err
	}
	answer, err := operations.Redeliver.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	s.Say("Redelivery of %s requested; see: tagwatch deliveries", wording.Count(answer.Deliveries, "delivery"))
	if answer.Delayed != "" {
		s.Say("%s. The endpoint picks up the change later", answer.Delayed)
	}
	return nil
}

func redeliverIDs(s *session.Session) ([]int64, error) {
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

// redeliverSince is what --since, --endpoint, --failed and --debounced select.
func redeliverSince(s *session.Session) (request operations.RedeliverRequest, err error) {
	if _, err := s.Arguments(); err != nil {
		return request, err
	}
	if s.Duration("since") <= 0 || s.String("endpoint") == "" {
		return request, exit.Usage("--since and --endpoint must be used together, for example:  tagwatch redeliver --since 6h --endpoint ops")
	}
	request.Endpoint, request.Since = s.String("endpoint"), s.Now.Add(-s.Duration("since"))
	request.State, err = deliveryState(s)
	return request, err
}
