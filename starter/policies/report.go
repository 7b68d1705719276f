package policies

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
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
	Whitelist string    `json:"whitelist_id"`
	Position  int       `json:"position"`
	ID        string    `json:"item_id,omitempty"`
	Gate      string    `json:"gate"`
	TriggerID string    `json:"trigger_id"`
	Expires   time.Time `json:"expires_on,omitzero"`
	// UntilFixed is of an acceptance that lasts until there is a fix; Fixed are the
	// findings for which it has ended.
	UntilFixed bool     `json:"until_fixed,omitempty"`
	Fixed      int      `json:"fixed,omitempty"`
	Expired    bool     `json:"expired"`
	Expiring   bool     `json:"expiring"`
	Matches    int      `json:"matches"`
	Fixable    int      `json:"fixable"`
	ListedAs   []string `json:"listed_as"`
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
	bundle, err := arguments.Bundle(ctx, s, name)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	accepted, err := kept.Acceptances(ctx)
	if err != nil {
		return err
	}
	acceptances := newAcceptanceReports(accepted, s.Now, s.Duration("within"))
	reports, err := whitelistItems(ctx, s, bundle, acceptances.count)
	if err != nil {
		return err
	}
	views := []itemView{}
	for _, r := range reports {
		if s.Bool("all") || r.Attention() {
			views = append(views, itemView{Whitelist: r.WhitelistID, Position: r.Position, ID: r.Item.ID, Gate: r.Item.Gate, TriggerID: r.Item.TriggerID, Expires: r.Item.Expires,
				Expired: r.Expired, Expiring: r.Expiring, Matches: r.Matches, Fixable: r.Fixed, ListedAs: append([]string{}, r.Spellings...)})
		}
	}
	for _, r := range acceptances {
		if s.Bool("all") || r.view.note() != "" {
			views = append(views, r.view)
		}
	}
	return s.Show(views, func(w io.Writer) { writeItems(s, w, views, len(reports)+len(acceptances)) })
}

// whitelistItems are the reports on the bundle's whitelist items by the images of
// all watched tags, which it hands on.
func whitelistItems(ctx context.Context, s *session.Session, bundle *policy.Bundle, visit func(*policy.Input)) ([]policy.ItemReport, error) {
	var occurrences []policy.Occurrence
	_, _, err := eachSubject(ctx, s, []*policy.Bundle{bundle}, func(_ watch.Summary, subject *policy.Input) error {
		visit(subject)
		e, err := policy.Evaluate(ctx, bundle, subject, s.Now)
		occurrences = append(occurrences, policy.Occurrences(e)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return policy.ReportWhitelists(ctx, bundle, occurrences, s.Now, s.Duration("within"))
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
