package tags

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
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

// rescanBatch is how many rescans are requested before the workers get time to catch up.
const rescanBatch = 50

func rescan(ctx context.Context, s *session.Session) error {
	asked := 0
	many := bulk{Session: s, page: 1, after: "are rescanned"}
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
		err := requestRescan(ctx, s, page[0])
		switch {
		case ctx.Err() != nil || exit.Is[*exit.Unreachable](err):
			return err
		case err != nil:
			report(0, err)
			return nil
		}
		report(0, nil)
		asked++
		progress(asked)
		return makeRoom(ctx, s, asked)
	}
	err := many.run(ctx)
	if asked > 0 {
		s.Say("Rescan of %s requested; see: tagwatch status", wording.Count(asked, "tag"))
	}
	return err
}

func requestRescan(ctx context.Context, s *session.Session, target image.Target) error {
	// A request for an unwatched tag would start a watcher.
	if _, err := summary(ctx, s, target); err != nil {
		return err
	}
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	return linked.Ask(ctx, "rescan "+target.String(), 10*time.Second, func(ctx context.Context) error {
		return linked.Client.WakeTag(ctx, target, watcher.WakeRescan)
	})
}

// makeRoom gives the workers time to catch up after each batch.
func makeRoom(ctx context.Context, s *session.Session, asked int) error {
	if asked%rescanBatch != 0 {
		return nil
	}
	return s.Linked.Client.Room(ctx)
}

func allTargets(ctx context.Context, s *session.Session) ([]string, error) {
	if s.Args().Present() {
		return nil, exit.Usage("--all and REF cannot be combined")
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	summaries, err := kept.Summaries(ctx, subscription.TargetFilter{})
	if err != nil {
		return nil, err
	}
	if len(summaries) == 0 {
		s.Say("No tag is watched yet; watch one with: tagwatch subscribe REF")
	}
	targets := make([]string, len(summaries))
	for i, summary := range summaries {
		targets[i] = summary.Target.String()
	}
	return targets, nil
}
