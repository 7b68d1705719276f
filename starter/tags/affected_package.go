package tags

import (
	"context"
	"io"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// holderView is a package of a tag's image, for programs.
type holderView struct {
	Target  image.Target `json:"target"`
	Digest  image.Digest `json:"digest"`
	Package string       `json:"package"`
	Version string       `json:"version"`
	Type    string       `json:"type"`
	PURL    string       `json:"purl"`
}

// affectedByPackage lists the tags whose images hold a package, whether or not a
// vulnerability is known of it yet.
func affectedByPackage(ctx context.Context, s *session.Session, text string) error {
	query, err := vuln.ParsePackageQuery(text)
	if err != nil {
		return exit.Unable(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	places, err := kept.AffectedByPackage(ctx, query)
	if err != nil {
		return err
	}
	views := []holderView{}
	for _, p := range places {
		views = append(views, holderView{p.Target, p.Digest, p.Package.Name, p.Package.Version, p.Package.Type, p.Package.PURL})
	}
	return session.ShowRows(s, session.Rows[holderView]{Items: views, Name: func(v holderView) string { return v.Target.String() }, People: func(w io.Writer, views []holderView) { writeHolders(s, w, text, views) }})
}

func writeHolders(s *session.Session, w io.Writer, text string, views []holderView) {
	if len(views) == 0 {
		s.Say("No watched tag contains %s", text)
		return
	}
	t := output.NewTable("TAG", "IMAGE", "PACKAGE", "VERSION", "TYPE").Drop("IMAGE", "TYPE")
	for _, v := range views {
		t.Row(output.Ordinary, v.Target.String(), v.Digest.Short(), v.Package, v.Version, v.Type)
	}
	t.Write(w)
}
