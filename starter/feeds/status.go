package feeds

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func feedStatusCommand() *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "show the vulnerability data, its providers and problems",
		UsageText:   "tagwatch feed status [options]",
		Description: "   tagwatch feed status\n   tagwatch feed status -o json\n   tagwatch feed status --watch",
		Flags:       []cli.Flag{session.WatchFlag(), session.OutputFlag()},
		Action:      session.Bare(session.Watched(session.WatchPause, feedStatus)),
	}
}

func feedStatus(ctx context.Context, s *session.Session) error {
	feed, err := operations.ShowFeed.Run(ctx, s.System(), operations.FeedRequest{})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Feed]{Items: []operations.Feed{feed}, Whole: feed, Name: func(operations.Feed) string { return "vulnerability data" },
		People: func(w io.Writer, _ []operations.Feed) { writeFeed(s, w, feed) },
		Steady: func(v operations.Feed) operations.Feed {
			v.Checked = time.Time{}
			return v
		}})
}

func writeFeed(s *session.Session, w io.Writer, v operations.Feed) {
	var p output.Pairs
	if v.Current == nil {
		p.Add("Current", "none; get data with: tagwatch feed sync")
	} else {
		p.Add("Current", buildLine(s, *v.Current))
		p.Add("From", v.Current.URL)
		p.Add("Schema", v.Current.Schema)
		p.Add("Size", fmt.Sprintf("%.1f MiB", float64(v.Current.Size)/(1<<20)))
	}
	if v.Previous != nil {
		p.Add("Previous", buildLine(s, *v.Previous))
	}
	if v.Held != nil {
		p.Add("On hold", fmt.Sprintf("%s, since %s; use it with: tagwatch feed release", buildLine(s, *v.Held), s.When(v.HeldSince)))
	}
	for _, reason := range v.Reasons {
		p.Add("On hold because", reason)
	}
	p.Add("Matcher", string(v.Matcher))
	p.Add("Last fetch", s.When(v.Checked))
	p.Add("Publisher status", string(v.Status))
	for _, c := range v.Conditions {
		p.Add("Condition", fmt.Sprintf("%s (found %s)", c.Text, s.When(c.Since)))
	}
	if v.Problem != nil {
		p.Add("Problem", fmt.Sprintf("%s, since %s", v.Problem.Message, s.When(v.Problem.Since)))
	}
	p.Write(w)
	if v.Current != nil && len(v.Current.Providers) > 0 {
		fmt.Fprintln(w)
		writeProviders(s, w, v.Current.Providers)
	}
}

func buildLine(s *session.Session, g operations.Build) string {
	return fmt.Sprintf("%s, built %s", g.Checksum, s.When(g.Built))
}

func writeProviders(s *session.Session, w io.Writer, providers []operations.Provider) {
	t := output.NewTable("PROVIDER", "RECORDS", "PACKAGES", "CAPTURED")
	for _, p := range providers {
		t.Row(output.Ordinary, p.Name, strconv.Itoa(p.Records), strconv.Itoa(p.Rows), s.When(p.Captured))
	}
	t.Write(w)
}
