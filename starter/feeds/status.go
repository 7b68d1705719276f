package feeds

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
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

// feedView is the state of the vulnerability data, for programs.
type feedView struct {
	Current  *buildView `json:"current"`
	Previous *buildView `json:"previous,omitempty"`
	// Held is on hold; it is the previous one if the publisher went back.
	Held      *buildView      `json:"held,omitempty"`
	Reasons   []string        `json:"held_because,omitempty"`
	HeldSince time.Time       `json:"held_since,omitzero"`
	Matcher   vuln.Matcher    `json:"matcher,omitempty"`
	Checked   time.Time       `json:"checked,omitzero"`
	Problem   *output.Problem `json:"problem,omitempty"`
	// Status is what the publisher's listing said last.
	Status     vuln.Lifecycle  `json:"publisher_status,omitempty"`
	Conditions []conditionView `json:"conditions"`
}

// conditionView is what is wrong with the current data or its future, for
// programs.
type conditionView struct {
	Kind     condition.Kind `json:"kind"`
	Provider string         `json:"provider,omitempty"`
	Text     string         `json:"text"`
	Since    time.Time      `json:"since"`
}

// buildView is a build, for programs.
type buildView struct {
	Checksum       string         `json:"checksum"`
	URL            string         `json:"url,omitempty"`
	Built          time.Time      `json:"built"`
	Schema         string         `json:"schema"`
	Size           int64          `json:"size"`
	Providers      []providerView `json:"providers"`
	KnownExploited int            `json:"known_exploited"`
	Exploitability int            `json:"epss_scores"`
	Scored         time.Time      `json:"epss_date,omitzero"`
	EndOfLife      int            `json:"end_of_life_dates"`
}

// providerView is a provider's share of a build, for programs.
type providerView struct {
	Name     string    `json:"name"`
	Captured time.Time `json:"captured,omitzero"`
	Records  int       `json:"vulnerabilities"`
	Rows     int       `json:"package_statements"`
}

func feedStatus(ctx context.Context, s *session.Session) error {
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	feed, err := kept.Feed(ctx)
	if err != nil {
		return err
	}
	view := feedViewOf(feed)
	return session.ShowRows(s, session.Rows[feedView]{Items: []feedView{view}, Whole: view, Name: func(feedView) string { return "vulnerability data" },
		People: func(w io.Writer, _ []feedView) { writeFeed(s, w, view) },
		Steady: func(v feedView) feedView {
			v.Checked = time.Time{}
			return v
		}})
}

func feedViewOf(f databuild.Feed) feedView {
	view := feedView{Current: buildViewOf(f.Current), Previous: buildViewOf(f.Previous), Held: buildViewOf(f.Held),
		Reasons: f.Reasons, HeldSince: f.HeldSince, Matcher: f.Matcher, Checked: f.Checked, Problem: output.ProblemOf(f.Problem), Status: f.Status,
		Conditions: []conditionView{}}
	for _, c := range f.Conditions {
		wrong := conditionView{Kind: c.Kind, Text: c.Message, Since: c.Since}
		if c.Name != condition.AllData {
			wrong.Provider = c.Name
		}
		view.Conditions = append(view.Conditions, wrong)
	}
	return view
}

func buildViewOf(d *vuln.Description) *buildView {
	if d == nil {
		return nil
	}
	view := &buildView{Checksum: d.Checksum, URL: d.URL, Built: d.Built, Schema: d.Schema, Size: d.Size, Providers: []providerView{},
		KnownExploited: d.Totals.KnownExploited, Exploitability: d.Totals.Exploitability, Scored: d.Scored, EndOfLife: d.Totals.EndOfLife}
	for _, p := range d.Providers {
		view.Providers = append(view.Providers, providerView(p))
	}
	return view
}

func writeFeed(s *session.Session, w io.Writer, v feedView) {
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

func buildLine(s *session.Session, g buildView) string {
	return fmt.Sprintf("%s, built %s", g.Checksum, s.When(g.Built))
}

func writeProviders(s *session.Session, w io.Writer, providers []providerView) {
	t := output.NewTable("PROVIDER", "RECORDS", "PACKAGES", "CAPTURED")
	for _, p := range providers {
		t.Row(output.Ordinary, p.Name, strconv.Itoa(p.Records), strconv.Itoa(p.Rows), s.When(p.Captured))
	}
	t.Write(w)
}
