package repositories

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
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
	name, err := repositoryArgument(ctx, s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	deleted := kept.DeleteRepository(ctx, name, s.Now)
	var ended []image.Target
	if s.Bool("tags") && (deleted == nil || errors.Is(deleted, errkind.NotFound)) {
		if ended, err = kept.UnwatchTags(ctx, name, s.Now); err != nil {
			return err
		}
	}
	if errors.Is(deleted, errkind.NotFound) && ended == nil {
		return exit.Refused("%s is not watched; see: tagwatch repository list", name)
	}
	if deleted != nil && ended == nil {
		return deleted
	}
	fmt.Fprintf(s.Out, "%s is no longer watched%s\n", name, endedLine(s.Bool("tags"), len(ended)))
	if err := wakeEnded(ctx, s, name, ended); err != nil {
		s.Say("Stopped. The workflows end later: %s", exit.Sentence(err))
	}
	return nil
}

func endedLine(asked bool, ended int) string {
	if !asked {
		return "; its tags stay watched"
	}
	return "; stopped watching " + wording.Count(ended, "tag")
}

// wokenEnded is how many watchers are woken. The others notice the end of their subscriptions
// at their next resync.
const wokenEnded = 200

func wakeEnded(ctx context.Context, s *session.Session, name image.Repository, ended []image.Target) error {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	if err := linked.Client.WakeRepository(ctx, name, watcher.WakeSettings); err != nil {
		return err
	}
	for _, target := range ended[:min(len(ended), wokenEnded)] {
		if err := linked.Client.WakeTag(ctx, target, watcher.WakeSubscription); err != nil {
			return err
		}
	}
	return nil
}
