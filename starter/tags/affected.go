package tags

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
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

// affectedTagsView is what has the vulnerability, for programs.
type affectedTagsView struct {
	Affected []affectedView `json:"affected"`
	// NotCovered are tags that may have it, too: the data has nothing about their
	// distribution.
	NotCovered []image.Target `json:"not_covered"`
}

// affectedView is a package of a tag that has the vulnerability, for programs.
type affectedView struct {
	Target   image.Target  `json:"target"`
	Digest   image.Digest  `json:"digest"`
	ID       string        `json:"id"`
	Package  string        `json:"package"`
	Version  string        `json:"version"`
	Severity vuln.Severity `json:"severity"`
	FixState vuln.FixState `json:"fix_state"`
	Fixes    []string      `json:"fixed_in"`
}

func affected(ctx context.Context, s *session.Session, id string) error {
	if vuln.IsPackageURL(id) {
		return affectedByPackage(ctx, s, id)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	places, err := kept.Affected(ctx, id)
	if err != nil {
		return err
	}
	uncovered, err := kept.NotCovered(ctx)
	if err != nil {
		return err
	}
	found := affectedTagsView{Affected: []affectedView{}, NotCovered: append([]image.Target{}, uncovered...)}
	for _, p := range places {
		found.Affected = append(found.Affected, affectedView{p.Target, p.Digest, p.ID, p.Package, p.Version, p.Severity, p.Fix.State, append([]string{}, p.Fix.Versions...)})
	}
	return session.ShowRows(s, session.Rows[affectedView]{Items: found.Affected, Whole: found, Name: func(v affectedView) string { return v.Target.String() }, People: func(w io.Writer, _ []affectedView) { writeAffected(s, w, id, found) }})
}

func writeAffected(s *session.Session, w io.Writer, id string, found affectedTagsView) {
	sayMayBeAffected(s, id, found.NotCovered)
	if len(found.Affected) == 0 {
		s.Say("No watched tag contains %s", id)
		return
	}
	t := output.NewTable("TAG", "IMAGE", "SEVERITY", "PACKAGE", "VERSION", "FIX").Drop("IMAGE", "VERSION")
	for _, v := range found.Affected {
		t.Row(output.SeverityStyle(v.Severity), v.Target.String(), v.Digest.Short(), string(v.Severity), v.Package, v.Version, fixCell(v.FixState, v.Fixes))
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
