// Package sources has the commands about sources, from which Tagwatch takes what to watch.
package sources

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// Command has a worker follow what is written down elsewhere.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "source",
		Usage: "watch the images that lists, Dockerfiles, Compose projects, engines and clusters name",
		Description: `A worker reads a source again and again and subscribes to what appears in it. What
two readings in a row lack ends, unless somebody subscribed to it or another source
has it. A source that cannot be read changes nothing.

   tagwatch source add shop compose /srv/stacks/shop
   tagwatch source add base dockerfile /srv/src --variable NODE_VERSION=22 --dry-run
   tagwatch source add list file https://git.example.com/ops/images.txt
   tagwatch source add prod kubernetes in-cluster
   tagwatch source list
   tagwatch source show shop`,
		Subcommands: []*cli.Command{addCommand(), updateCommand(), listCommand(), showCommand(), confirmCommand(), removeCommand()},
	}
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the sources",
		UsageText:   "tagwatch source list [options]",
		Description: "   tagwatch source list\n   tagwatch source list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(list),
	}
}

func all(ctx context.Context, s *session.Session) ([]operations.Source, error) {
	return operations.All(func(page operations.Page) ([]operations.Source, string, error) {
		list, err := operations.ListSources.Run(ctx, s.System(), operations.SourcesRequest{Page: page})
		return list.Sources, list.Next, err
	})
}

func list(ctx context.Context, s *session.Session) error {
	sources, err := all(ctx, s)
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Source]{Items: sources, Name: func(v operations.Source) string { return v.Name }, People: func(w io.Writer, sources []operations.Source) { writeSources(s, w, sources) }})
}

func writeSources(s *session.Session, w io.Writer, sources []operations.Source) {
	if len(sources) == 0 {
		s.Say("No source yet; add one with: tagwatch source add NAME KIND PATH")
		return
	}
	t := output.NewTable("NAME", "KIND", "PATH", "TAGS", "REFERENCES", "TYPES", "READ", "PROBLEM").Drop("TYPES", "PATH", "REFERENCES")
	for _, v := range sources {
		style, problem := output.Ordinary, ""
		if v.Problem != nil {
			style, problem = output.Doubtful, v.Problem.Message
		} else if v.Waiting != nil {
			style, problem = output.Doubtful, v.Waiting.Message
		}
		if v.Unconfirmed {
			problem += "; confirm it with: tagwatch source confirm " + v.Name
		}
		t.Row(style, v.Name, string(v.Kind), strings.Join(v.Paths, " "), strconv.Itoa(v.Tags), strconv.Itoa(v.References), wording.List(v.Types), s.Ago(v.Checked), problem)
	}
	t.Write(w)
}

func confirmCommand() *cli.Command {
	return &cli.Command{
		Name:      "confirm",
		Usage:     "confirm that what is gone from a source is gone",
		UsageText: "tagwatch source confirm NAME",
		Description: `When nothing is left in a source, or more than half of it is gone at once, nothing
ends until it is confirmed. Only what is gone now is confirmed.

   tagwatch source confirm shop`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only show what would end"}, session.OutputFlag()},
		Action: session.One("NAME", confirm),
	}
}

func confirm(ctx context.Context, s *session.Session, name string) error {
	if s.Bool("dry-run") {
		return show(ctx, s, name)
	}
	confirmed, err := operations.ConfirmSource.Run(ctx, s.System(), operations.SourceName{Name: name})
	if err != nil {
		return err
	}
	return s.Show(confirmed, func(w io.Writer) { fmt.Fprintf(w, "confirmed; source %s is read again\n", name) })
}

func removeCommand() *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "remove a source",
		UsageText: "tagwatch source remove NAME [options]",
		Description: `Ends the subscriptions that the source alone brought. Those that somebody made, and
those of tags that another source has, stay.

   tagwatch source remove shop --dry-run
   tagwatch source remove shop`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only show how many tags the source brings"}, session.OutputFlag()},
		Action: session.One("NAME", remove),
	}
}

func remove(ctx context.Context, s *session.Session, name string) error {
	if s.Bool("dry-run") {
		detail, err := operations.ShowSource.Run(ctx, s.System(), operations.SourceRequest{Name: name})
		if err != nil {
			return err
		}
		would := operations.RemovedSource{Name: name, Ended: detail.Tags}
		return s.Show(would, func(w io.Writer) {
			fmt.Fprintf(w, "source %s would be removed, with what it alone brought of %s; nothing was changed\n", name, wording.Count(would.Ended, "tag"))
		})
	}
	removed, err := operations.RemoveSource.Run(ctx, s.System(), operations.SourceRemoval{SourceRequest: operations.SourceRequest{Name: name}})
	if err != nil {
		return err
	}
	return s.Show(removed, func(w io.Writer) {
		fmt.Fprintf(w, "source %s is removed, with what it alone brought of %s\n", name, wording.Count(removed.Ended, "tag"))
		if removed.Delayed != "" {
			s.Say("The workflows end later: %s", removed.Delayed)
		}
	})
}
