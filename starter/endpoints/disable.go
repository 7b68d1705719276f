package endpoints

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/starter/session"
)

func endpointDisableCommand() *cli.Command {
	return &cli.Command{
		Name:      "disable",
		Usage:     "stop sending to an endpoint until it is enabled",
		UsageText: "tagwatch endpoint disable NAME [--reason TEXT]",
		Description: `Notifications are queued meanwhile, for at most the workers' --webhook-window.

   tagwatch endpoint disable ops --reason 'moving to another host'
   tagwatch endpoint enable ops`,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "reason", Value: "by an operator", Usage: "`text` shown in lists"}},
		Action: session.One("NAME", endpointDisable),
	}
}

func endpointDisable(ctx context.Context, s *session.Session, name string) error {
	state := delivery.EndpointState{Disabled: true, Reason: s.String("reason")}
	return setEndpointState(ctx, s, name, state, "disabled; resume with: tagwatch endpoint enable "+name)
}
