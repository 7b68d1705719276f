// Package trail has the command that shows the audit trail.
package trail

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:      "audit",
		Usage:     "list who changed what, and when",
		UsageText: "tagwatch audit [options]",
		Description: `Every change by a command or over the HTTP API, newest first, with what was before and
after, without secrets. Changes are kept for the workers' --audit-retention.

   tagwatch audit --since 24h
   tagwatch audit --who ci
   tagwatch audit --subject 'ghcr.io/web/*' -o json
   tagwatch audit --subject ops`,
		Flags: append([]cli.Flag{
			&cli.DurationFlag{Name: "since", Usage: "only changes within this `time`, such as 24h"},
			&cli.StringFlag{Name: "who", Usage: "only changes by this `name`: that of a token, or of the system's user who ran a command"},
			&cli.StringFlag{Name: "subject", Usage: "only changes of this `subject`: a tag, repository, source, endpoint, policy, vulnerability or token; * stands for any characters"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "maximum number of results"},
		}, session.ListFlags()...),
		Action: session.Bare(list),
	}
}

func list(ctx context.Context, s *session.Session) error {
	limit := s.Int("limit")
	if limit < 1 {
		return exit.Usage("invalid value %d for --limit: expected 1 or more", limit)
	}
	request := operations.AuditRequest{Who: s.String("who"), Subject: s.String("subject")}
	if within := s.Duration("since"); within != 0 {
		request.Since = s.Now.Add(-within)
	}
	found := []operations.Change{}
	for {
		request.Limit = min(limit-len(found), operations.MostPage)
		page, err := operations.ListAudit.Run(ctx, s.System(), request)
		if err != nil {
			return err
		}
		found = append(found, page.Changes...)
		if request.After = page.Next; page.Next == "" || len(found) >= limit {
			break
		}
	}
	return session.ShowRows(s, session.Rows[operations.Change]{Items: found, Name: func(c operations.Change) string { return strconv.FormatInt(c.ID, 10) }, People: func(w io.Writer, found []operations.Change) { write(s, w, found) }})
}

func write(s *session.Session, w io.Writer, found []operations.Change) {
	if len(found) == 0 {
		s.SayNone("change", "No changes yet", "since", "who", "subject")
		return
	}
	t := output.NewTable("ID", "WHEN", "WHO", "VIA", "ACTION", "SUBJECT", "CHANGE").Drop("ID", "VIA")
	for _, c := range found {
		t.Row(output.Ordinary, strconv.FormatInt(c.ID, 10), s.Ago(c.At), c.Who, string(c.Via), string(c.Action), c.Subject, difference(c))
	}
	t.Write(w)
}

// difference is the change in a line.
func difference(c operations.Change) string {
	before, after := text(c.Before), text(c.After)
	switch {
	case before == "":
		return after
	case after == "":
		return before + " -> -"
	}
	return before + " -> " + after
}

// text is a JSON object without its outer braces and quotation marks.
func text(fields json.RawMessage) string {
	if len(fields) == 0 {
		return ""
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(string(fields), "{"), "}")
	return output.Dash(output.OneLine(strings.ReplaceAll(inner, `"`, "")))
}
