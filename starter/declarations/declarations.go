// Package declarations has the commands about configuration as code: a document that
// declares what an installation has.
package declarations

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

const documentHelp = `A document is a YAML file, or several of them, or folders with such (*.yaml, *.yml), of
one owner. It lists endpoints, policies, acceptances, repositories, sources and subscriptions; see
docs/configuration-as-code.md. Its whole content is checked before anything is
changed.

What another owner has is not changed: that is an error. What was made by hand is left
alone unless --adopt is given. What the owner has and does not list stays unless
--prune is given.`

// ApplyCommand makes what is stored what a document declares.
func ApplyCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "apply a document that declares endpoints, policies, subscriptions and more",
		UsageText: "tagwatch apply -f FILE|DIR|-... [options]",
		Description: documentHelp + `

   tagwatch apply -f tagwatch.yaml
   tagwatch apply -f deploy/tagwatch/ --prune
   tagwatch apply -f endpoints.yaml -f watched.yaml
   tagwatch apply -f tagwatch.yaml --dry-run
   tagwatch export | tagwatch apply -f - --adopt`,
		Flags: append(documentFlags(),
			&cli.BoolFlag{Name: "dry-run", Usage: "change nothing; print the plan"},
			session.OutputFlag()),
		Action: session.Bare(apply),
	}
}

// DiffCommand says what apply would change.
func DiffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "print what apply would change",
		UsageText: "tagwatch diff -f FILE|DIR|-... [options]",
		Description: documentHelp + `

The exit code is 0 if apply would change nothing, 1 if it would, and 2 for an error.

   tagwatch diff -f tagwatch.yaml
   tagwatch diff -f deploy/tagwatch/ --prune -o json`,
		Flags:  append(documentFlags(), session.OutputFlag()),
		Action: session.Bare(diff),
	}
}

// ExportCommand prints the document of what is stored.
func ExportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "print the document that declares what is stored",
		UsageText: "tagwatch export [--owner NAME] [options]",
		Description: `Prints all that apply can make, whoever made it, with policy bundles in the document.
Secrets are not stored and not printed, but for what the URLs, the proxies and the
headers of endpoints and the variables of sources contain. What a watched repository or
a source brought, and what has ended, is left out.

   tagwatch export > tagwatch.yaml
   tagwatch export --owner platform -o json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "owner", Value: "main", Usage: "`name` of the owner in the document"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "yaml", Usage: "output `format`: yaml or json"},
		},
		Action: session.Bare(export),
	}
}

func documentFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "`file` or folder of the document; - for standard input; repeatable"},
		&cli.BoolFlag{Name: "prune", Usage: "delete what the owner has and does not list"},
		&cli.BoolFlag{Name: "adopt", Usage: "take what was made by hand, and change it to what is declared"},
	}
}

func export(ctx context.Context, s *session.Session) error {
	form := s.String("output")
	if form != "yaml" && form != "json" {
		return exit.Usage("invalid value %q for --output: expected yaml or json", form)
	}
	exported, err := operations.ExportDeclaration.Run(ctx, s.System(), operations.DeclarationOwner{Owner: s.String("owner")})
	if err != nil {
		return err
	}
	s.Shown()
	if form == "json" {
		return output.WriteJSON(s.Out, exported.Document)
	}
	return session.WriteYAML(s.Out, exported.Document)
}
