package notifications

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func ExplainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "explain why a notification was sent, or why none was",
		UsageText: "tagwatch explain NOTIFICATION\ntagwatch explain REF --not TYPE [options]",
		Description: `NOTIFICATION is the id from the received body (dataId), or the short id that
tagwatch notifications and tagwatch deliveries show.

   tagwatch explain 2f6c4a0e
   tagwatch explain 2f6c4a0e-7d0b-5f44-9a3b-0f0f2d3f6a10
   tagwatch explain 2f6c4a0e-7d0b-5f44-9a3b-0f0f2d3f6a10 -o json

With --not, it lists what keeps notifications of that type about a tag from being
sent now, and the last decisions not to send one, with reasons. For repo_update,
REF is a repository.

   tagwatch explain docker.io/library/nginx:1.27 --not vuln_update
   tagwatch explain docker.io/library/nginx:1.27 --not tag_update --endpoint ops --since 24h`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "not", Usage: "explain why no notification of this `type` was sent: " + wording.List(operations.Subscribable)},
			&cli.StringFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "with --not: only what concerns this endpoint `name`"},
			&cli.DurationFlag{Name: "since", Value: 7 * 24 * time.Hour, Usage: "with --not: only decisions within this `time`, such as 24h"},
			arguments.PlatformFlag(),
			session.OutputFlag(),
		},
		Action: session.Action(explain),
	}
}

func explain(ctx context.Context, s *session.Session) error {
	if s.IsSet("not") {
		return explainNot(ctx, s)
	}
	for _, flag := range []string{"endpoint", "since", "platform"} {
		if s.IsSet(flag) {
			return exit.Usage("--%s needs --not TYPE; see %s --help", flag, s.Command.HelpName)
		}
	}
	id, err := s.Argument("NOTIFICATION")
	if err != nil {
		return err
	}
	explained, err := operations.ExplainNotification.Run(ctx, s.System(), operations.NotificationRequest{ID: id})
	if errors.Is(err, errkind.NotFound) && strings.ContainsAny(id, "/:@") {
		return exit.Usage("%s is not the id of a notification; see: tagwatch notifications --subject %s, or tagwatch explain %s --not TYPE", id, id, id)
	}
	if err != nil {
		return err
	}
	return s.Show(explained, func(w io.Writer) { writeExplained(s, w, explained) })
}

func writeExplained(s *session.Session, w io.Writer, v operations.Explained) {
	var p output.Pairs
	p.Add("Notification", v.ID)
	p.Add("Type", string(v.Type))
	p.Add("Subject", v.Subject)
	p.Add("Created", s.When(v.Created))
	p.Add("Summary", v.Summary)
	p.Add("Reason", v.Reason)
	p.Write(w)
	if len(v.Evidence) > 0 {
		fmt.Fprintln(w)
		writeEvidence(w, v.Evidence)
	}
	if len(v.Details) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range v.Details {
		fmt.Fprintln(w, output.OneLine(line))
	}
	if len(v.Deliveries) > 0 {
		fmt.Fprintln(w)
		writeDeliveries(s, w, v.Deliveries)
	}
}

func writeEvidence(w io.Writer, facts []notification.Fact) {
	t := output.NewTable("EVIDENCE", "NOW", "BEFORE")
	for _, f := range facts {
		style, before := output.Ordinary, output.Dash(f.Before)
		if f.Changed() {
			style = output.Doubtful
		} else if f.Before != "" {
			before = "unchanged"
		}
		t.Row(style, f.Name, output.Dash(f.Now), before)
	}
	t.Write(w)
}
