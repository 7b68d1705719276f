package tags

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
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

func vulnerabilities(ctx context.Context, s *session.Session) error {
	target, err := theTarget(ctx, s)
	if err != nil {
		return err
	}
	request := operations.VulnerabilitiesRequest{TagRequest: operations.OfTag(target), Severity: s.String("severity"), Fixable: s.Bool("fixable")}
	var list operations.VulnerabilityList
	all, err := operations.All(func(page operations.Page) ([]operations.Vulnerability, string, error) {
		request.Page = page
		list, err = operations.ListVulnerabilities.Run(ctx, s.System(), request)
		return list.Vulnerabilities, list.Next, err
	})
	if err != nil {
		return notYet(err)
	}
	sayEarlier(s, list.Digest, list.Current)
	list.Vulnerabilities, list.Current = all, nil
	return session.ShowRows(s, session.Rows[operations.Vulnerability]{Items: all, Whole: list, Name: func(v operations.Vulnerability) string { return v.ID }, People: func(w io.Writer, _ []operations.Vulnerability) { writeVulnerabilities(s, w, list) }})
}

func writeVulnerabilities(s *session.Session, w io.Writer, list operations.VulnerabilityList) {
	views := list.Vulnerabilities
	sayIncomplete(s, list.Target, list.Coverage)
	if len(views) == 0 {
		s.SayNone("vulnerability of "+list.Target.String(), "No known vulnerabilities in "+list.Target.String(), "severity", "fixable")
		return
	}
	header := []string{"SEVERITY", "ID", "PACKAGE", "VERSION", "TYPE", "FIX", "KNOWN EXPLOITED"}
	accepted := slices.ContainsFunc(views, func(v operations.Vulnerability) bool { return v.Accepted != nil })
	if accepted {
		header = append(header, "ACCEPTED")
	}
	scored := slices.ContainsFunc(views, func(v operations.Vulnerability) bool { return v.EPSS != nil })
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

func epssCell(e *operations.EPSS) string {
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
