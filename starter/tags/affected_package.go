package tags

import (
	"context"
	"io"
	"slices"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// affectedByPackage lists the tags whose images hold a package, whether or not a
// vulnerability is known of it yet.
func affectedByPackage(ctx context.Context, s *session.Session, text string) error {
	all, err := operations.All(func(page operations.Page) ([]operations.Holder, string, error) {
		list, err := operations.FindPackage.Run(ctx, s.System(), operations.PackageRequest{PURL: text, Page: page})
		return list.Holders, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Holder]{Items: all, Name: func(v operations.Holder) string { return v.Target.String() }, People: func(w io.Writer, all []operations.Holder) { writeHolders(s, w, text, all) }})
}

func writeHolders(s *session.Session, w io.Writer, text string, views []operations.Holder) {
	if len(views) == 0 {
		s.Say("No watched tag contains %s", text)
		return
	}
	columns := []string{"TAG", "IMAGE", "PACKAGE", "VERSION", "TYPE"}
	runs := slices.ContainsFunc(views, func(v operations.Holder) bool { return len(v.Workloads) > 0 })
	t := output.NewTable(runBy(columns, runs, "RUN BY")...).Drop("IMAGE", "TYPE")
	for _, v := range views {
		t.Row(output.Ordinary, runBy([]string{v.Target.String(), imageCell(v.Digest.Short(), v.Older), v.Package, v.Version, v.Type}, runs, workloadsCell(v.Workloads))...)
	}
	t.Write(w)
}
