package tags

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

func RescanCommand() *cli.Command {
	return &cli.Command{
		Name:      "rescan",
		Usage:     "check and evaluate tags now",
		UsageText: "tagwatch rescan REF... | --all",
		Description: `Requests a full check of each tag now: resolve it in the registry, retry a failed
analysis, match, evaluate. Subscribers are notified of changes.

   tagwatch rescan docker.io/library/nginx:1.27
   tagwatch rescan docker.io/library/nginx:1.27 --platform linux/arm64
   tagwatch rescan --all`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "rescan all watched tags"}, arguments.PlatformsFlag()},
		Action: session.Action(rescan),
	}
}

// rescanBatch is how many rescans are asked for before the workers are given time
// to catch up.
const rescanBatch = 50

func rescan(ctx context.Context, s *session.Session) error {
	targets, err := rescanTargets(ctx, s)
	if err != nil {
		return err
	}
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for i, target := range targets {
		err := linked.Ask(ctx, "rescan "+target.String(), 10*time.Second, func(ctx context.Context) error {
			return linked.Client.CheckTag(ctx, target, workflows.CheckNow{Force: true})
		})
		if err != nil {
			failures = append(failures, err)
		}
		if (i+1)%rescanBatch == 0 {
			if err := linked.Client.Room(ctx); err != nil {
				return err
			}
		}
	}
	s.Say("Rescan of %s requested; see: tagwatch status", output.Number(len(targets)-len(failures), "tag"))
	return exit.Join(failures)
}

// rescanTargets are watched: asking for another would start a watcher of it.
func rescanTargets(ctx context.Context, s *session.Session) ([]image.Target, error) {
	if s.Bool("all") {
		return allTargets(ctx, s)
	}
	if !s.Args().Present() {
		return nil, exit.Usage("REF or --all is missing; see tagwatch rescan --help")
	}
	references, err := s.Arguments("REF...")
	if err != nil {
		return nil, err
	}
	targets, err := arguments.Targets(s, references)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		if _, err := summary(ctx, s, target); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

func allTargets(ctx context.Context, s *session.Session) ([]image.Target, error) {
	if s.Args().Present() {
		return nil, exit.Usage("--all and REF cannot be combined")
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	summaries, err := kept.Summaries(ctx, watch.TargetFilter{})
	if err != nil {
		return nil, err
	}
	targets := make([]image.Target, len(summaries))
	for i, summary := range summaries {
		targets[i] = summary.Target
	}
	return targets, nil
}
