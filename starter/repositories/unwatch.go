package repositories

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/session"
)

func repositoryUnwatchCommand() *cli.Command {
	return &cli.Command{
		Name:      "unwatch",
		Usage:     "stop watching a repository",
		UsageText: "tagwatch repository unwatch REPOSITORY [options]",
		Description: `Subscriptions that the repository created stay active unless --tags is given; end
them later with tagwatch unsubscribe. Subscriptions made with tagwatch subscribe
always stay.

   tagwatch repository unwatch registry.example.com/shop/web
   tagwatch repository unwatch registry.example.com/shop/web --tags`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "tags", Usage: "also end the subscriptions that the repository created"}},
		Action: session.Action(repositoryUnwatch),
	}
}

func repositoryUnwatch(ctx context.Context, s *session.Session) error {
	name, err := repositoryArgument(s)
	if err != nil {
		return err
	}
	ended, err := operations.UnwatchRepository.Run(ctx, s.System(), operations.RepositoryUnwatch{Name: name.String(), Tags: s.Bool("tags")})
	if err != nil {
		return err
	}
	sayOtherName(s, name, ended.Name)
	fmt.Fprintf(s.Out, "%s is no longer watched%s\n", ended.Name, endedLine(s.Bool("tags"), ended.Ended))
	if ended.Delayed != "" {
		s.Say("Stopped. The workflows end later: %s", ended.Delayed)
	}
	return nil
}

func endedLine(asked bool, ended int) string {
	if !asked {
		return "; its tags stay watched"
	}
	return "; stopped watching " + wording.Count(ended, "tag")
}
