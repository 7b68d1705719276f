package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyValidateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "validate a bundle",
		UsageText: "tagwatch policy validate FILE|- [options]",
		Description: `Validates the whole bundle, including parts that no mapping uses, and lists each
problem with its place. It also lists vulnerability ids for which the vulnerability
data of watched tags uses another id; both ids work. Exit code 0: valid; 1: invalid.

   tagwatch policy validate bundle.json
   tagwatch policy validate bundle.json -o json`,
		Flags:  []cli.Flag{session.OutputFlag()},
		Action: session.One("FILE", policyValidate),
	}
}

// validated is what is wrong with a bundle, for programs.
type validated struct {
	operations.PolicyProblems
	// Names are the places that name a vulnerability otherwise than the data;
	// NamesUnknown is why they could not be compared.
	Names        []policy.NameInUse `json:"names"`
	NamesUnknown string             `json:"names_unknown,omitempty"`
}

func policyValidate(ctx context.Context, s *session.Session, file string) error {
	content, err := arguments.ReadFile(s, file)
	if err != nil {
		return err
	}
	checked, err := operations.ValidatePolicy.Run(ctx, s.System(), operations.PolicyText{Text: string(content)})
	if err != nil {
		return err
	}
	view := validated{PolicyProblems: checked, Names: []policy.NameInUse{}}
	if view.Valid {
		found, err := report(ctx, s, operations.PolicyReportRequest{PolicyChoice: operations.PolicyChoice{Bundle: content}})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			view.NamesUnknown = errkind.Text(err)
		}
		view.Names = append(view.Names, found.names...)
	}
	if err := s.Show(view, func(w io.Writer) { writeValidated(s, w, arguments.FileName(file), view) }); err != nil {
		return err
	}
	if !view.Valid {
		return exit.ErrAnswered
	}
	return nil
}

func writeValidated(s *session.Session, w io.Writer, file string, v validated) {
	for _, p := range v.Problems {
		style := output.Doubtful
		if p.Severity == policy.Error {
			style = output.Bad
		}
		fmt.Fprintln(w, output.Paint(w, style, output.OneLine(p.String())))
	}
	for _, name := range v.Names {
		fmt.Fprintln(w, output.OneLine(name.String()))
	}
	if v.NamesUnknown != "" {
		s.Say("Vulnerability ids were not compared with the vulnerability data: %s", v.NamesUnknown)
	}
	if v.Valid {
		fmt.Fprintf(w, "%s: bundle %s is valid (%s)\n", file, v.ID, output.Short(v.Hash))
		return
	}
	fmt.Fprintf(w, "%s: invalid bundle\n", file)
}
