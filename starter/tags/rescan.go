package tags

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func RescanCommand() *cli.Command {
	return &cli.Command{
		Name:      "rescan",
		Usage:     "check and evaluate tags now",
		UsageText: "tagwatch rescan REF...|- | --all",
		Description: `Requests a full check of each tag now: resolve it in the registry, retry a failed
analysis, match, evaluate. Subscribers are notified of changes.

   tagwatch rescan docker.io/library/nginx:1.27
   tagwatch rescan docker.io/library/nginx:1.27 --platform linux/arm64
   tagwatch status --failing -q | tagwatch rescan -
   tagwatch rescan --all`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "rescan all watched tags"}, arguments.PlatformsFlag()},
		Action: session.Action(rescan),
	}
}

func rescan(ctx context.Context, s *session.Session) error {
	requested := 0
	many := bulk{Session: s, page: operations.RescanBatch, after: "are rescanned"}
	if s.Bool("all") {
		var err error
		if many.texts, err = allTargets(ctx, s); err != nil {
			return err
		}
	} else if !s.Args().Present() {
		return exit.Usage("REF or --all is missing; see tagwatch rescan --help")
	}
	progress := s.Counting(len(many.texts), "tags rescanned")
	many.do = func(ctx context.Context, page []image.Target, report func(int, error)) error {
		answer, err := operations.Rescan.Run(ctx, s.System(), operations.RescanRequest{Tags: names(page)})
		for i, result := range answer.Results {
			if result.Refused != nil {
				report(i, exit.Answered(result.Refused.Err()))
				continue
			}
			report(i, nil)
			requested++
		}
		progress(requested)
		if answer.Unfinished != nil {
			return answer.Unfinished.Err()
		}
		return err
	}
	err := many.run(ctx)
	if requested > 0 {
		s.Say("Rescan of %s requested; see: tagwatch status", wording.Count(requested, "tag"))
	}
	return err
}

func allTargets(ctx context.Context, s *session.Session) ([]string, error) {
	if s.Args().Present() {
		return nil, exit.Usage("--all and REF cannot be combined")
	}
	all, err := operations.All(func(page operations.Page) ([]operations.TagStatus, string, error) {
		list, err := operations.ListTags.Run(ctx, s.System(), operations.TagsRequest{Page: page})
		return list.Tags, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		s.Say("No tag is watched yet; watch one with: tagwatch subscribe REF")
	}
	targets := make([]string, len(all))
	for i, tag := range all {
		targets[i] = tag.Target.String()
	}
	return targets, nil
}
