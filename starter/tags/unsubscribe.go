package tags

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func UnsubscribeCommand() *cli.Command {
	return &cli.Command{
		Name:      "unsubscribe",
		Usage:     "stop watching tags",
		UsageText: "tagwatch unsubscribe REF...|- [options]",
		Description: `Ends all subscriptions of each tag, or only those of the given types. A tag
without subscriptions is no longer watched and its results are deleted; sent
notifications are kept.

   tagwatch unsubscribe docker.io/library/nginx:1.27
   tagwatch unsubscribe nginx:1.27 --type vuln_update
   tagwatch unsubscribe nginx:1.27 --platform linux/amd64,linux/arm64
   tagwatch status --repository ghcr.io/web/old -q | tagwatch unsubscribe -`,
		Flags:  []cli.Flag{arguments.TypeFlag("of notification to end (default: all)"), arguments.PlatformsFlag(), session.OutputFlag()},
		Action: session.Action(unsubscribe),
	}
}

func unsubscribe(ctx context.Context, s *session.Session) error {
	request := operations.UnsubscribeRequest{Types: arguments.Named[notification.Type](s, "type")}
	done, delayed := []operations.UnsubscribedTag{}, false
	many := bulk{Session: s, page: operations.MostTags, after: "stay unsubscribed"}
	many.do = func(ctx context.Context, page []image.Target, report func(int, error)) error {
		request.Tags = names(page)
		answer, err := operations.Unsubscribe.Run(ctx, s.System(), request)
		for i, result := range answer.Results {
			if result.Refused != nil {
				report(i, exit.Answered(result.Refused.Err()))
				continue
			}
			report(i, nil)
			done = append(done, result.UnsubscribedTag)
			if s.ForPeople() {
				writeUnsubscribed(s.Out, result.UnsubscribedTag)
			}
		}
		if answer.Delayed != "" && !delayed {
			s.Say("Saved. The tag's workflow shows it later: %s", answer.Delayed)
			delayed = true
		}
		return err
	}
	failed := many.run(ctx)
	if err := s.Show(done, func(io.Writer) {}); err != nil {
		return err
	}
	return failed
}

func names(page []image.Target) []string {
	texts := make([]string, len(page))
	for i, target := range page {
		texts[i] = target.String()
	}
	return texts
}

func writeUnsubscribed(w io.Writer, one operations.UnsubscribedTag) {
	if one.Left == 0 {
		fmt.Fprintf(w, "%s is no longer watched\n", one.Target)
		return
	}
	fmt.Fprintf(w, "%s is still watched: %s left\n", one.Target, wording.Count(one.Left, "subscription"))
}
