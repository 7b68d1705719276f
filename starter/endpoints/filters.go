package endpoints

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func FiltersCommand() *cli.Command {
	return &cli.Command{
		Name:      "filters",
		Usage:     "list what filter expressions can name, or check one",
		UsageText: "tagwatch filters [EXPRESSION]",
		Description: `Subscriptions and endpoints choose findings and notifications by expressions in CEL,
the Common Expression Language (https://cel.dev).

   tagwatch subscribe nginx:1.27 --when 'severity >= high || known_exploited'
   tagwatch endpoint add chat https://chat.example.com --when 'fixable && epss > 0.1'
   tagwatch filters 'package_type == "deb" && severity in [high, critical]'`,
		Flags:  []cli.Flag{session.OutputFlag()},
		Action: session.Action(filters),
	}
}

func filters(_ context.Context, s *session.Session) error {
	switch s.Args().Len() {
	case 0:
		return session.ShowRows(s, session.Rows[filter.Variable]{Items: filter.Variables, Name: func(v filter.Variable) string { return v.Name }, People: writeVariables})
	case 1:
		if _, err := filter.Compile(s.Args().First()); err != nil {
			return exit.Unable(err)
		}
		s.Say("The expression is valid")
		return nil
	}
	return exit.Usage("expected one EXPRESSION; quote it")
}

func writeVariables(w io.Writer, variables []filter.Variable) {
	t := output.NewTable("NAME", "OF", "TYPE", "MEANING")
	for _, v := range variables {
		of := "notification"
		if v.OfFinding {
			of = "finding"
		}
		t.Row(output.Ordinary, v.Name, of, v.Type, v.Description)
	}
	t.Write(w)
}
