package registries

import (
	"cmp"
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func PushCommand() *cli.Command {
	return &cli.Command{
		Name:  "push",
		Usage: "set up push notifications from registries",
		Description: `A worker with --push-address receives push notifications from registries and checks
the pushed tag at once. The worker verifies each push against the registry. Without
pushes, tags are checked at their interval.

   tagwatch push example harbor
   tagwatch push check push.yaml`,
		Subcommands: []*cli.Command{pushExampleCommand(), pushCheckCommand()},
	}
}

func pushExampleCommand() *cli.Command {
	return &cli.Command{
		Name:      "example",
		Usage:     "print an example of the push configuration of a registry",
		UsageText: "tagwatch push example KIND [options]",
		Description: `KIND is ` + wording.List(push.Kinds()) + `.
pubsub is Google Artifact Registry.

   tagwatch push example distribution
   tagwatch push example github --name shop --url https://tagwatch.example.com`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`name` of the source (default: the kind)"},
			&cli.StringFlag{Name: "url", Value: "https://tagwatch.example.com", Usage: "`URL` at which the registry reaches the worker (its --push-address or a proxy)"},
		},
		Action: session.Action(pushExample),
	}
}

func pushExample(_ context.Context, s *session.Session) error {
	given, err := s.Arguments("KIND")
	if err != nil {
		return err
	}
	text, err := push.Example(push.Kind(given[0]), cmp.Or(s.String("name"), given[0]), s.String("url"))
	if err != nil {
		return exit.Unable(err)
	}
	_, err = fmt.Fprint(s.Out, text)
	return err
}

func pushCheckCommand() *cli.Command {
	return &cli.Command{
		Name:        "check",
		Usage:       "validate a file of push sources",
		UsageText:   "tagwatch push check FILE",
		Description: "Secrets are not checked: only the worker can read them.\n\n   tagwatch push check push.yaml",
		Action:      session.Action(pushCheck),
	}
}

func pushCheck(_ context.Context, s *session.Session) error {
	given, err := s.Arguments("FILE")
	if err != nil {
		return err
	}
	sources, err := push.ReadSources(given[0])
	if err != nil {
		return exit.Unable(err)
	}
	longest := 0
	for _, source := range sources {
		longest = max(longest, len(source.Name))
	}
	for _, source := range sources {
		fmt.Fprintf(s.Out, "/push/%-*s  %s\n", longest, source.Name, source.Kind)
	}
	return nil
}
