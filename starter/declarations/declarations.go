// Package declarations has the commands about configuration as code: a document that
// declares what an installation has.
package declarations

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
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
	document, err := operations.ExportDeclaration(ctx, s.System(), s.String("owner"))
	if err != nil {
		return err
	}
	s.Shown()
	if form == "json" {
		return output.WriteJSON(s.Out, document)
	}
	return session.WriteYAML(s.Out, document)
}

func diff(ctx context.Context, s *session.Session) error {
	plan, err := planned(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) }); err != nil {
		return err
	}
	if !plan.Empty() {
		return exit.ErrAnswered
	}
	return nil
}

func apply(ctx context.Context, s *session.Session) error {
	plan, err := planned(ctx, s)
	if err != nil {
		return err
	}
	if s.Bool("dry-run") || plan.Empty() {
		return s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) })
	}
	if needsWorkers(plan) { // nothing is stored that could not be applied
		if _, err := s.Temporal(ctx); err != nil {
			return err
		}
	}
	if s.ForPeople() {
		writePlan(s, s.Out, plan)
	}
	done, total := 0, plan.Count(declaration.Create, declaration.Update, declaration.Adopt, declaration.Delete)
	var last error
	err = operations.ApplyDeclaration(ctx, s.System(), plan, session.Person(), func(c declaration.Change, failure error) {
		if failure == nil {
			done++
			return
		}
		place := ""
		if c.Place != nil {
			place = c.Place.String() + ": "
		}
		last = failure
		exit.Conclude(s.App.ErrWriter, fmt.Errorf("%s%s %s: %s", place, c.Kind, c.Name, exit.Sentence(failure)))
	})
	switch {
	case ctx.Err() != nil:
		return &exit.Interrupted{Meanwhile: fmt.Sprintf("applied %d of %s; apply the document again to go on", done, wording.Count(total, "change"))}
	case exit.Is[declaration.Faults](err):
		return exit.Usage("%w\nnothing was changed", err)
	case err != nil:
		if !errors.Is(err, last) { // else it is printed already
			exit.Conclude(s.App.ErrWriter, err)
		}
		exit.Conclude(s.App.ErrWriter, fmt.Errorf("applied %d of %s; apply again to go on", done, wording.Count(total, "change")))
		return exit.Reported(exit.Code(err))
	}
	return s.Show(plan, func(w io.Writer) { fmt.Fprintf(w, "Applied %s\n", wording.Count(done, "change")) })
}

// needsWorkers reports whether changes are made, or evaluated, by workers.
func needsWorkers(plan declaration.Plan) bool {
	return slices.ContainsFunc(plan.Changes, func(c declaration.Change) bool {
		if c.Action == declaration.Unchanged || c.Action == declaration.LeftAlone || c.Action == declaration.Adopt && len(c.Fields) == 0 {
			return false
		}
		active := c.Declared != nil && c.Declared.Bundle != nil && c.Declared.Bundle.Active || c.Stored != nil && c.Stored.Bundle != nil && c.Stored.Bundle.Active
		return active || c.Kind != declaration.OfEndpoint && c.Kind != declaration.OfPolicy
	})
}

func planned(ctx context.Context, s *session.Session) (declaration.Plan, error) {
	files, err := documentFiles(s)
	if err != nil {
		return declaration.Plan{}, err
	}
	plan, err := operations.PlanDeclaration(ctx, s.System(), files, readBundle, declaration.Options{Prune: s.Bool("prune"), Adopt: s.Bool("adopt")})
	if exit.Is[declaration.Faults](err) {
		return plan, exit.Usage("%w\nnothing was changed", err)
	}
	if exit.Is[declaration.Conflict](err) {
		return plan, exit.Usage("%w\nnothing was changed", err)
	}
	return plan, err
}

// readBundle reads a file that a document names relative to its own folder.
func readBundle(from declaration.Place, name string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(name) && from.File != standardInput {
		path = filepath.Join(filepath.Dir(from.File), name)
	}
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("file %s not found; paths are relative to the document", path)
	}
	return content, err
}

const standardInput = "standard input"

// documentFiles are the files that are given, and those of the folders by name. One that
// is given twice, or by itself and in its folder, is read once.
func documentFiles(s *session.Session) ([]declaration.File, error) {
	var names []string
	for _, given := range s.StringSlice("file") {
		if given == "" {
			return nil, exit.Usage("-f names no file; see %s --help", s.Command.HelpName)
		}
		if info, err := os.Stat(given); err != nil || !info.IsDir() {
			names = append(names, given)
			continue
		}
		within, err := yamlFiles(given)
		if err != nil {
			return nil, exit.Unable(err)
		}
		if len(within) == 0 {
			return nil, exit.Usage("folder %s has no .yaml or .yml file", given)
		}
		names = append(names, within...)
	}
	if len(names) == 0 {
		return nil, exit.Usage("-f is missing; see %s --help", s.Command.HelpName)
	}
	var files []declaration.File
	read := map[string]bool{}
	for _, name := range names {
		if read[filepath.Clean(name)] {
			continue
		}
		read[filepath.Clean(name)] = true
		content, err := arguments.ReadFile(s, name)
		if err != nil {
			return nil, err
		}
		if name == arguments.StandardInput {
			name = standardInput
		}
		files = append(files, declaration.File{Name: name, Content: content})
	}
	return files, nil
}

// yamlFiles are those directly in a folder, links included: a mounted ConfigMap has such.
func yamlFiles(folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		extension := filepath.Ext(entry.Name())
		if (extension == ".yaml" || extension == ".yml") && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, filepath.Join(folder, entry.Name()))
		}
	}
	return names, err
}

// signs are what each action begins with.
var signs = map[declaration.Action]string{declaration.Create: "+", declaration.Update: "~", declaration.Adopt: "~", declaration.Delete: "-", declaration.LeftAlone: "!"}

var styles = map[declaration.Action]output.Style{declaration.Delete: output.Bad, declaration.Update: output.Doubtful, declaration.Adopt: output.Doubtful}

func writePlan(s *session.Session, w io.Writer, plan declaration.Plan) {
	for _, c := range plan.Changes {
		if c.Action == declaration.Unchanged {
			continue
		}
		remark := map[declaration.Action]string{declaration.Adopt: " (adopted: it was made by hand)", declaration.LeftAlone: " (made by hand, left alone; take it with --adopt)"}[c.Action]
		fmt.Fprintln(w, output.Paint(w, styles[c.Action], fmt.Sprintf("%s %s %s%s", signs[c.Action], c.Kind, output.OneLine(c.Name), remark)))
		if c.Action == declaration.LeftAlone {
			continue
		}
		for _, f := range c.Fields {
			fmt.Fprintf(w, "    %s\n", output.OneLine(fieldLine(f)))
		}
	}
	if plan.Empty() {
		fmt.Fprintf(w, "Nothing to change: %s as declared\n", wording.Count(plan.Count(declaration.Unchanged), "thing"))
		return
	}
	fmt.Fprintf(w, "Plan: %d to create, %d to change, %d to adopt, %d to delete, %d unchanged\n", plan.Count(declaration.Create), plan.Count(declaration.Update),
		plan.Count(declaration.Adopt), plan.Count(declaration.Delete), plan.Count(declaration.Unchanged))
}

func fieldLine(f declaration.FieldChange) string {
	switch {
	case f.Before == "":
		return fmt.Sprintf("+ %s: %s", f.Field, f.After)
	case f.After == "":
		return fmt.Sprintf("- %s: %s", f.Field, f.Before)
	}
	return fmt.Sprintf("~ %s: %s -> %s", f.Field, f.Before, f.After)
}
