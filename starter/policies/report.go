package policies

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func whitelistReportCommand() *cli.Command {
	return &cli.Command{
		Name:      "whitelist-report",
		Usage:     "list whitelist items and acceptances that are unused, expire soon, cover fixable findings or use another id",
		UsageText: "tagwatch policy whitelist-report [FILE|ID] [options]",
		Description: `Evaluates all watched tags and counts the matches of each whitelist item and each
acceptance (tagwatch accept). Lists those that need attention. An item matches a vulnerability by any of its ids; the
note shows the id that the vulnerability data uses.

   tagwatch policy whitelist-report
   tagwatch policy whitelist-report --within 168h
   tagwatch policy whitelist-report bundle.json --all`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "within", Value: 30 * 24 * time.Hour, Usage: "also list items that expire within this `time`"},
			&cli.BoolFlag{Name: "all", Usage: "list all items"},
			session.OutputFlag(),
		},
		Action: session.Action(whitelistReport),
	}
}

// itemView is how a whitelist item fares, for programs.
type itemView struct {
	operations.ReportedItem
	// The counts stand for the lists.
	Matches int `json:"matches"`
	Fixable int `json:"fixable"`
	Fixed   int `json:"fixed,omitempty"`
}

func viewOf(i *operations.ReportedItem) itemView {
	return itemView{*i, len(i.Matches), len(i.Fixable), len(i.Fixed)}
}

// shownSpellings is how many trigger ids a note has room for.
const shownSpellings = 3

func whitelistReport(ctx context.Context, s *session.Session) error {
	name := ""
	if s.Args().Present() {
		var err error
		if name, err = s.Argument("FILE"); err != nil {
			return err
		}
	}
	bundle, err := arguments.Choice(ctx, s, name)
	if err != nil {
		return err
	}
	report, err := report(ctx, s, operations.PolicyReportRequest{PolicyChoice: bundle, ExpiringBefore: s.Now.Add(s.Duration("within"))})
	if err != nil {
		return err
	}
	views := []itemView{}
	for _, item := range report.items {
		if view := viewOf(item); s.Bool("all") || view.note() != "" {
			views = append(views, view)
		}
	}
	return s.Show(views, func(w io.Writer) { writeItems(s, w, views, len(report.items)) })
}

// policyReport is the report on a bundle by all watched tags.
type policyReport struct {
	items []*operations.ReportedItem
	names []policy.NameInUse
}

// report joins the pages of a report.
func report(ctx context.Context, s *session.Session, request operations.PolicyReportRequest) (joined policyReport, err error) {
	err = evaluating(s, func(page operations.EvaluatedPage) (operations.Evaluated, error) {
		request.EvaluatedPage = page
		part, err := operations.ReportPolicy.Run(ctx, s.System(), request)
		for _, item := range part.Items {
			joined.add(item)
		}
		for _, name := range part.Names {
			joined.name(name)
		}
		return part.Evaluated, err
	})
	return joined, err
}

func (r *policyReport) add(item operations.ReportedItem) {
	at := slices.IndexFunc(r.items, func(known *operations.ReportedItem) bool {
		return known.Whitelist == item.Whitelist && known.Position == item.Position && known.ID == item.ID
	})
	if at < 0 {
		r.items = append(r.items, &item)
		return
	}
	r.items[at].Add(item)
}

func (r *policyReport) name(found policy.NameInUse) {
	at := slices.IndexFunc(r.names, func(known policy.NameInUse) bool { return known.Path == found.Path && known.Name == found.Name })
	if at < 0 {
		r.names = append(r.names, found)
		return
	}
	r.names[at].InUse = append(r.names[at].InUse, found.InUse...)
	slices.Sort(r.names[at].InUse)
	r.names[at].InUse = slices.Compact(r.names[at].InUse)
}

func writeItems(s *session.Session, w io.Writer, views []itemView, total int) {
	if len(views) == 0 {
		s.Say("No whitelist item needs attention (%s)", wording.Count(total, "item"))
		return
	}
	t := output.NewTable("WHITELIST", "ITEM", "GATE", "TRIGGER ID", "MATCHES", "EXPIRES", "NOTE").Drop("ITEM", "GATE", "EXPIRES")
	for _, v := range views {
		item, expires := cmp.Or(v.ID, "#"+strconv.Itoa(v.Position)), s.Ago(v.Expires)
		if v.UntilFixed {
			expires = "fixed"
		}
		t.Row(output.Ordinary, v.Whitelist, item, v.Gate, v.TriggerID, strconv.Itoa(v.Matches), expires, v.note())
	}
	t.Write(w)
}

// note says why a person should look at the item.
func (v itemView) note() string {
	var parts []string
	switch {
	case v.Expired:
		parts = append(parts, "expired")
	case v.Expiring:
		parts = append(parts, "expires soon")
	}
	switch {
	case v.Matches == 0 && v.Fixed > 0:
		parts = append(parts, "covers nothing: there is a fix")
	case v.Matches == 0:
		parts = append(parts, "matches nothing")
	case v.Fixed > 0:
		parts = append(parts, strconv.Itoa(v.Fixed)+" more have a fix and are not covered")
	}
	if v.Fixable > 0 {
		parts = append(parts, strconv.Itoa(v.Fixable)+" with a fix")
	}
	if len(v.ListedAs) > 0 {
		parts = append(parts, "listed as "+strings.Join(v.ListedAs[:min(len(v.ListedAs), shownSpellings)], ", "))
	}
	return strings.Join(parts, ", ")
}
