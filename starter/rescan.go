package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

func rescanCommand() *cli.Command {
	return &cli.Command{
		Name: "rescan", Category: categoryTags,
		Usage:     "look at tags now, and evaluate them anew",
		UsageText: "tagwatch rescan REF... | --all",
		Description: `Asks for a pass of each tag's workflow before its time: look at the registry,
analyze again what could not be analyzed, match, evaluate. Subscribers are notified
if anything changed.

   tagwatch rescan docker.io/library/nginx:1.27
   tagwatch rescan docker.io/library/nginx:1.27 --platform linux/arm64
   tagwatch rescan --all`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all watched tags"}, platformsFlag()},
		Action: action(rescan),
	}
}

// rescanBatch is how many rescans are asked for before the workers are given time
// to catch up.
const rescanBatch = 50

func rescan(ctx context.Context, s *session) error {
	targets, err := s.rescanTargets(ctx)
	if err != nil {
		return err
	}
	linked, err := s.temporal(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for i, target := range targets {
		err := linked.ask(ctx, "rescan "+target.String(), 10*time.Second, func(ctx context.Context) error {
			return linked.client.CheckTag(ctx, target, workflows.CheckNow{Force: true})
		})
		if err != nil {
			failures = append(failures, err)
		}
		if (i+1)%rescanBatch == 0 {
			if err := linked.client.Room(ctx); err != nil {
				return err
			}
		}
	}
	s.say("%s asked to look again; see: tagwatch status", number(len(targets)-len(failures), "tag"))
	return join(failures)
}

// rescanTargets are watched: asking for another would start a watcher of it.
func (s *session) rescanTargets(ctx context.Context) ([]image.Target, error) {
	if s.Bool("all") {
		return s.allTargets(ctx)
	}
	if !s.Args().Present() {
		return nil, usage("name tags, or give --all; see tagwatch rescan --help")
	}
	references, err := s.arguments("REF...")
	if err != nil {
		return nil, err
	}
	targets, err := s.targets(references)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		if _, err := s.summary(ctx, target); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

func (s *session) allTargets(ctx context.Context) ([]image.Target, error) {
	if s.Args().Present() {
		return nil, usage("--all and a tag exclude each other")
	}
	kept, err := s.store(ctx)
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
