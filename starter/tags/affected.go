package tags

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func AffectedCommand() *cli.Command {
	return &cli.Command{
		Name:      "affected",
		Usage:     "list watched tags that contain a vulnerability or a package",
		UsageText: "tagwatch affected ID|PURL[@VERSION] [options]",
		Description: `Finds a vulnerability by its id or the id of a related record (case-insensitive),
and a package by its package URL, whether it has a known vulnerability or not. A
version may be replaced by comparisons separated by commas.

   tagwatch affected CVE-2021-44228
   tagwatch affected ghsa-jfh8-c2jp-5v3q -o json | jq '.affected[].target'
   tagwatch affected pkg:npm/lodash
   tagwatch affected 'pkg:maven/org.apache.logging.log4j/log4j-core@>=2.0,<2.17.1'
   tagwatch affected 'pkg:deb/debian/openssl@<3.0.11-1~deb12u2'`,
		Flags:  session.ListFlags(),
		Action: session.One("ID", affected),
	}
}

func affected(ctx context.Context, s *session.Session, id string) error {
	if vuln.IsPackageURL(id) {
		return affectedByPackage(ctx, s, id)
	}
	var found operations.AffectedList
	all, err := operations.All(func(page operations.Page) ([]operations.Affected, string, error) {
		list, err := operations.FindVulnerability.Run(ctx, s.System(), operations.AffectedRequest{ID: id, Page: page})
		found.NotCovered = append(found.NotCovered, list.NotCovered...)
		return list.Affected, list.Next, err
	})
	if err != nil {
		return err
	}
	found.Affected, found.NotCovered = all, append([]image.Target{}, found.NotCovered...)
	return session.ShowRows(s, session.Rows[operations.Affected]{Items: found.Affected, Whole: found, Name: func(v operations.Affected) string { return v.Target.String() }, People: func(w io.Writer, _ []operations.Affected) { writeAffected(s, w, id, found) }})
}

func writeAffected(s *session.Session, w io.Writer, id string, found operations.AffectedList) {
	sayMayBeAffected(s, id, found.NotCovered)
	if len(found.Affected) == 0 {
		s.Say("No watched tag contains %s", id)
		return
	}
	columns := []string{"TAG", "IMAGE", "SEVERITY", "PACKAGE", "VERSION", "FIX"}
	runs := slices.ContainsFunc(found.Affected, func(v operations.Affected) bool { return len(v.Workloads) > 0 })
	t := output.NewTable(runBy(columns, runs, "RUN BY")...).Drop("IMAGE", "VERSION")
	for _, v := range found.Affected {
		t.Row(output.SeverityStyle(v.Severity), runBy([]string{v.Target.String(), imageCell(v.Digest.Short(), v.Older), string(v.Severity), v.Package, v.Version, fixCell(v.FixState, v.Fixes)}, runs, workloadsCell(v.Workloads))...)
	}
	t.Write(w)
}

// maxNamed is how many tags a sentence names.
const maxNamed = 5

// sayMayBeAffected names tags of which it is not known.
func sayMayBeAffected(s *session.Session, id string, uncovered []image.Target) {
	if len(uncovered) == 0 {
		return
	}
	names := make([]string, 0, maxNamed)
	for _, target := range uncovered[:min(len(uncovered), maxNamed)] {
		names = append(names, target.String())
	}
	more := ""
	if left := len(uncovered) - len(names); left > 0 {
		more = fmt.Sprintf(" and %d more", left)
	}
	s.Say("The vulnerability data does not cover the distribution of %s, so %s may affect them as well: %s%s",
		wording.Count(len(uncovered), "tag"), id, strings.Join(names, ", "), more)
}
