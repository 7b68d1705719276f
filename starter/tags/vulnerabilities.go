package tags

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func VulnerabilitiesCommand() *cli.Command {
	return &cli.Command{
		Name: "vulnerabilities", Aliases: []string{"vulns"},
		Usage:     "list the vulnerabilities of a watched tag's image",
		UsageText: "tagwatch vulnerabilities REF [options]",
		Description: `Lists the vulnerabilities of the last analyzed image of the tag, most severe
first. To apply policies and whitelists, use tagwatch evaluate. Records about the
same vulnerability of a package share one key, in JSON and in webhook bodies.

   tagwatch vulnerabilities docker.io/library/nginx:1.27
   tagwatch vulnerabilities nginx:1.27 --severity high --fixable
   tagwatch vulnerabilities nginx:1.27 -o json | jq '.vulnerabilities[].id'
   tagwatch vulnerabilities nginx:1.27 -o json | jq .coverage.state

The output says when the vulnerability data does not cover the distribution of
the image, or the distribution is past its end of life: an empty list then does
not mean that the image is safe.`,
		Flags: append([]cli.Flag{
			arguments.PlatformFlag(),
			&cli.StringFlag{Name: "severity", Usage: "only this `severity` and above"},
			&cli.BoolFlag{Name: "fixable", Usage: "only those with a fix"},
		}, session.ListFlags()...),
		Action: session.Action(vulnerabilities),
	}
}

// vulnerabilitiesView is the list of an image for programs.
type vulnerabilitiesView struct {
	Target image.Target `json:"target"`
	Digest image.Digest `json:"digest"`
	// Coverage reports what it means that a vulnerability is not in the list.
	Coverage        vuln.Coverage       `json:"coverage"`
	Vulnerabilities []vulnerabilityView `json:"vulnerabilities"`
}

// vulnerabilityView is a match for programs.
type vulnerabilityView struct {
	ID             string         `json:"id"`
	Key            string         `json:"key"`
	Aliases        []string       `json:"aliases"`
	Severity       vuln.Severity  `json:"severity"`
	Package        string         `json:"package"`
	Version        string         `json:"version"`
	Type           string         `json:"type"`
	PURL           string         `json:"purl,omitempty"`
	Location       string         `json:"location,omitempty"`
	FixState       vuln.FixState  `json:"fix_state"`
	Fixes          []string       `json:"fixed_in"`
	KnownExploited bool           `json:"known_exploited"`
	Namespace      string         `json:"namespace"`
	Related        []string       `json:"related"`
	URL            string         `json:"url,omitempty"`
	EPSS           *epssView      `json:"epss,omitempty"`
	Accepted       *vuln.Accepted `json:"accepted,omitempty"`
	Detected       time.Time      `json:"detected,omitzero"`
	FixObserved    time.Time      `json:"fix_observed,omitzero"`
}

// epssView is how likely the vulnerability is to be exploited, for programs.
type epssView struct {
	Probability float64 `json:"probability"`
	Percentile  float64 `json:"percentile"`
}

func vulnerabilities(ctx context.Context, s *session.Session) error {
	target, err := theTarget(ctx, s)
	if err != nil {
		return err
	}
	least, err := arguments.Severity(s, "severity")
	if err != nil {
		return err
	}
	known, err := matched(ctx, s, target)
	if err != nil {
		return err
	}
	matches, err := s.Stored.Matches(ctx, known.Analyzed)
	if err != nil {
		return err
	}
	acceptances, err := s.Stored.Acceptances(ctx)
	if err != nil {
		return err
	}
	accepted := map[vuln.Identity]*vuln.Accepted{}
	for _, f := range acceptance.Mark(vuln.Merge(vuln.Findings(matches)), acceptance.For(acceptances, target.Reference), s.Now) {
		accepted[f.Identity()] = f.Accepted
	}
	keys := make([]string, len(matches))
	for i, m := range matches {
		keys[i] = m.Key()
	}
	scores, err := s.Stored.Scores(ctx, keys)
	if err != nil {
		return err
	}
	list := vulnerabilitiesView{Target: target, Digest: known.Analyzed, Coverage: known.Coverage, Vulnerabilities: []vulnerabilityView{}}
	for i, m := range matches {
		if m.Severity.Rank() >= least.Rank() && (!s.Bool("fixable") || m.Fix.State == vuln.FixKnown) {
			view := vulnerabilityViewOf(m)
			view.Accepted = accepted[m.Identity()]
			if score, known := scores[keys[i]]; known {
				view.EPSS = &epssView{score.Probability, score.Percentile}
			}
			list.Vulnerabilities = append(list.Vulnerabilities, view)
		}
	}
	slices.SortStableFunc(list.Vulnerabilities, mostSevere)
	return session.ShowRows(s, session.Rows[vulnerabilityView]{Items: list.Vulnerabilities, Whole: list, Name: func(v vulnerabilityView) string { return v.ID }, People: func(w io.Writer, _ []vulnerabilityView) { writeVulnerabilities(s, w, list) }})
}

// analyzed is the state of a tag of which an image was analyzed.
func analyzed(ctx context.Context, s *session.Session, target image.Target) (watch.Summary, error) {
	known, err := summary(ctx, s, target)
	if err != nil {
		return known, err
	}
	if known.Analyzed != "" {
		noteEarlier(s, known)
		return known, nil
	}
	if known.Problem != nil {
		return known, exit.Unable(fmt.Errorf("%s is not analyzed: %s", target, known.Problem.Message))
	}
	return known, exit.Unable(fmt.Errorf("%s is not analyzed yet; see: tagwatch status %s", target, target))
}

// noteEarlier says that what is known is not about the image that the tag points to.
func noteEarlier(s *session.Session, known watch.Summary) {
	if known.Analyzed == known.Resolved.Manifest {
		return
	}
	reason := "is not analyzed yet"
	if failed := watch.FailedImage(known.Problem, known.Resolved.Manifest); failed != nil {
		reason = "could not be analyzed: " + failed.Reason
	}
	s.Say("The current image %s of the tag %s", known.Resolved.Manifest.Short(), reason)
	s.Say("Results below are for image %s, the last analyzed one", known.Analyzed.Short())
}

// matched is the state of a tag of which the vulnerabilities are known.
func matched(ctx context.Context, s *session.Session, target image.Target) (watch.Summary, error) {
	known, err := analyzed(ctx, s, target)
	if err == nil && !known.Matched {
		err = exit.Unable(fmt.Errorf("%s is not matched against vulnerability data yet; see: tagwatch feed status", target))
	}
	return known, err
}

func vulnerabilityViewOf(m vuln.Match) vulnerabilityView {
	view := vulnerabilityView{ID: m.ID, Key: m.Key(), Aliases: append([]string{}, m.Aliases()...), Severity: m.Severity, Package: m.Package.Name, Version: m.Package.Version, Type: m.Package.Type,
		PURL: m.Package.PURL, Location: m.Location, FixState: m.Fix.State, Fixes: append([]string{}, m.Fix.Versions...),
		KnownExploited: m.KnownExploited, Namespace: m.Namespace, Related: []string{}, URL: m.URL,
		Detected: m.Detected, FixObserved: m.FixObserved}
	for _, r := range m.Related {
		view.Related = append(view.Related, r.ID)
	}
	return view
}

func mostSevere(a, b vulnerabilityView) int {
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version))
}

func writeVulnerabilities(s *session.Session, w io.Writer, list vulnerabilitiesView) {
	views := list.Vulnerabilities
	sayIncomplete(s, list.Target, list.Coverage)
	if len(views) == 0 {
		s.SayNone("vulnerability of "+list.Target.String(), "No known vulnerabilities in "+list.Target.String(), "severity", "fixable")
		return
	}
	header := []string{"SEVERITY", "ID", "PACKAGE", "VERSION", "TYPE", "FIX", "KNOWN EXPLOITED"}
	accepted := slices.ContainsFunc(views, func(v vulnerabilityView) bool { return v.Accepted != nil })
	if accepted {
		header = append(header, "ACCEPTED")
	}
	scored := slices.ContainsFunc(views, func(v vulnerabilityView) bool { return v.EPSS != nil })
	if scored {
		header = append(header, "EPSS")
	}
	t := output.NewTable(header...).Drop("TYPE", "EPSS", "VERSION")
	for _, v := range views {
		cells := []string{string(v.Severity), v.ID, v.Package, v.Version, v.Type, fixCell(v.FixState, v.Fixes), output.Yes(v.KnownExploited)}
		if accepted {
			cells = append(cells, acceptedCell(v.Accepted))
		}
		if scored {
			cells = append(cells, epssCell(v.EPSS))
		}
		t.Row(output.SeverityStyle(v.Severity), cells...)
	}
	t.Write(w)
}

// sayIncomplete says what no list of vulnerabilities shows.
func sayIncomplete(s *session.Session, target image.Target, c vuln.Coverage) {
	if text := c.Incomplete(s.Now); text != "" {
		s.Say("%s: %s", target, text)
	}
}

func acceptedCell(a *vuln.Accepted) string {
	switch {
	case a == nil:
		return "-"
	case a.Until.IsZero():
		return "until fixed"
	}
	return "until " + a.Until.UTC().Format(time.DateOnly)
}

func epssCell(e *epssView) string {
	if e == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", e.Probability*100)
}

func fixCell(state vuln.FixState, versions []string) string {
	if state == vuln.FixWont {
		return "won't fix"
	}
	return output.Dash(strings.Join(versions, ", "))
}
