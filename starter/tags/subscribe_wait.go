package tags

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// await follows each tag until it is analyzed, matched and evaluated, and shows
// its status.
func await(ctx context.Context, s *session.Session, done []*subscribed) (failures []error) {
	ctx, cancel := context.WithTimeout(ctx, s.Duration("timeout"))
	defer cancel()
	for _, each := range done {
		live, err := awaitTag(ctx, s, each.Target)
		if err != nil {
			failures = append(failures, err)
			if ctx.Err() == context.Canceled {
				break
			}
			continue
		}
		s.Now = time.Now().UTC() // what is notified of the tag happened meanwhile
		each.Status = &live.Status
		if s.ForPeople() {
			writeStatus(s, s.Out, tagStatus{live.Status})
		}
	}
	return failures
}

// awaitTag prints each step that it sees, once.
func awaitTag(ctx context.Context, s *session.Session, target image.Target) (operations.TagLive, error) {
	ticker := time.NewTicker(session.Glance)
	defer ticker.Stop()
	said := ""
	for {
		live, err := operations.FollowTag.Run(ctx, s.System(), operations.OfTag(target))
		if err != nil || live.Complete {
			return live, err
		}
		if problem := live.Status.Problem; problem != nil && live.Status.Live.Doing == "" {
			return live, exit.Refused("%s: %s", target, problem.Message)
		}
		if live.Step != said {
			s.Say("%s: %s", target, live.Step)
			said = live.Step
		}
		select {
		case <-ctx.Done():
			return live, waitedTooLong(ctx, s, target, said)
		case <-ticker.C:
		}
	}
}

// goesOn says what goes on without the person who waited. A step that waits for something
// names the command that shows it.
func goesOn(target image.Target, step string) string {
	see := "; see: tagwatch status " + operations.SubscribeWords(target)
	switch {
	case step == "":
		return "the analysis goes on" + see
	case strings.Contains(step, "see: "):
		see = ""
	}
	return "the work goes on without you: " + step + see
}

func waitedTooLong(ctx context.Context, s *session.Session, target image.Target, step string) error {
	if ctx.Err() == context.Canceled {
		return &exit.Interrupted{Meanwhile: goesOn(target, step)}
	}
	return exit.Unable(fmt.Errorf("%s is not ready after %s: %s; the work continues, see: tagwatch status %s",
		target, s.Duration("timeout"), step, target))
}
