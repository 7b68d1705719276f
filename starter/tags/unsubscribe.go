package tags

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
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

// unsubscribed is what is left of one tag's subscriptions.
type unsubscribed struct {
	Target image.Target `json:"target"`
	Left   int          `json:"subscriptions_left"`
}

func unsubscribe(ctx context.Context, s *session.Session) error {
	types, err := arguments.Types(s, notification.TagTypes)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	done, wake := []unsubscribed{}, true
	many := bulk{Session: s, page: 1, after: "stay unsubscribed"}
	many.do = func(ctx context.Context, page []image.Target, report func(int, error)) error {
		left, err := kept.Unsubscribe(ctx, page[0], types, s.Now)
		switch {
		case err != nil && ctx.Err() != nil:
			return err
		case errors.Is(err, errkind.NotFound):
			report(0, notSubscribed(ctx, s, page[0], types))
		case err != nil:
			report(0, err)
		default:
			report(0, nil)
			done = append(done, unsubscribed{page[0], left})
			if s.ForPeople() {
				writeUnsubscribed(s.Out, done[len(done)-1])
			}
			if !wake {
				break
			}
			if err := wakeWatcher(ctx, s, page[0]); err != nil {
				s.Say("Saved. The tag's workflow shows it later: %s", exit.Sentence(err))
				wake = false
			}
		}
		return nil
	}
	failed := many.run(ctx)
	if err := s.Show(done, func(io.Writer) {}); err != nil {
		return err
	}
	return failed
}

// wakeWatcher has the watcher of a tag end, or show what is left. It would find out by
// itself.
func wakeWatcher(ctx context.Context, s *session.Session, target image.Target) error {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	return linked.Client.WakeTag(ctx, target, watcher.WakeSubscription)
}

// notSubscribed says that there is nothing to end.
func notSubscribed(ctx context.Context, s *session.Session, target image.Target, types []notification.Type) error {
	if len(types) > 0 {
		return exit.Refused("no %s subscription for %s; see: tagwatch subscriptions", wording.List(types), target)
	}
	return notWatched(ctx, s, target)
}

func writeUnsubscribed(w io.Writer, one unsubscribed) {
	if one.Left == 0 {
		fmt.Fprintf(w, "%s is no longer watched\n", one.Target)
		return
	}
	fmt.Fprintf(w, "%s is still watched: %s left\n", one.Target, wording.Count(one.Left, "subscription"))
}
