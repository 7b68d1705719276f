package endpoints

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
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
	disabled, err := operations.DisableEndpoint.Run(ctx, s.System(), operations.EndpointDisabling{Name: name, Reason: s.String("reason")})
	return writeSwitched(s, disabled, err, "Endpoint %s is disabled; resume with: tagwatch endpoint enable %[1]s\n")
}

func endpointEnableCommand() *cli.Command {
	return &cli.Command{
		Name:        "enable",
		Usage:       "resume sending to a disabled endpoint",
		UsageText:   "tagwatch endpoint enable NAME",
		Description: "An endpoint is disabled by tagwatch endpoint disable, or when it responds with 410\nGone. Pending notifications are sent at once.\n\n   tagwatch endpoint enable ops",
		Action:      session.One("NAME", endpointEnable),
	}
}

func endpointEnable(ctx context.Context, s *session.Session, name string) error {
	enabled, err := operations.EnableEndpoint.Run(ctx, s.System(), operations.EndpointEnabling{Name: name})
	return writeSwitched(s, enabled, err, "Endpoint %s is enabled\n")
}

func endpointDeleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Usage:       "delete an endpoint",
		UsageText:   "tagwatch endpoint delete NAME",
		Description: "Pending deliveries to it fail.\n\n   tagwatch endpoint delete ops",
		Action:      session.One("NAME", endpointDelete),
	}
}

func endpointDelete(ctx context.Context, s *session.Session, name string) error {
	request := operations.EndpointRemoval{EndpointRequest: operations.EndpointRequest{Name: name}}
	deleted, err := operations.RemoveEndpoint.Run(ctx, s.System(), request)
	return writeSwitched(s, deleted, err, "Endpoint %s deleted\n")
}

// writeSwitched writes the line about a changed endpoint.
func writeSwitched(s *session.Session, switched operations.SwitchedEndpoint, err error, line string) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, line, switched.Name)
	sayDelayed(s, switched.Delayed)
	return nil
}
