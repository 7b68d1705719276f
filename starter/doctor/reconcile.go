package doctor

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func ReconcileCommand() *cli.Command {
	return &cli.Command{
		Name:      "reconcile",
		Usage:     "start missing workflows",
		UsageText: "tagwatch reconcile [--dry-run] [options]",
		Description: `Compares the workflows that the database needs with those running in Temporal:
watchers of tags, registries, repositories and sources, and queues of endpoints. Missing ones
(for example after a loss of Temporal's data) are started and continue from the last
recorded state, so no notification is repeated. Workflows that are no longer needed
are signalled and exit. Overdue deliveries are retried.

Workers do the same at start and every --reconcile-interval.

   tagwatch reconcile --dry-run
   tagwatch reconcile

Exit code 1 with --dry-run: something needs repair.`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "compare only, change nothing"}, session.OutputFlag()},
		Action: session.Bare(reconcile),
	}
}

func reconcile(ctx context.Context, s *session.Session) error {
	task, err := operations.Reconcile.Run(ctx, s.System(), operations.ReconcileRequest{DryRun: s.Bool("dry-run")})
	if err != nil {
		return err
	}
	result, err := s.FollowTask(ctx, task, "the reconciliation goes on; see: tagwatch doctor")
	if err != nil {
		return err
	}
	found := *result.Reconciliation
	if err := s.Show(found, func(w io.Writer) { writeReconciled(w, found) }); err != nil {
		return err
	}
	if found.DryRun && !found.InOrder {
		return exit.ErrAnswered
	}
	return nil
}

func writeReconciled(w io.Writer, found operations.Reconciliation) {
	started, ended := "STARTED", "ENDED"
	if found.DryRun {
		started, ended = "MISSING", "UNNEEDED"
	}
	t := output.NewTable("WATCHERS", "WANTED", started, ended, "UNLABELED")
	for _, c := range found.Watchers {
		style := output.Ordinary
		if c.Missing+c.Stray+c.Unlabeled > 0 {
			style = output.Doubtful
		}
		t.Row(style, string(c.Kind), fmt.Sprint(c.Wanted), fmt.Sprint(c.Missing), fmt.Sprint(c.Stray), fmt.Sprint(c.Unlabeled))
	}
	t.Write(w)
	for _, c := range found.Watchers {
		writeNames(w, started, c.Missing, c.MissingNames)
		writeNames(w, ended, c.Stray, c.StrayNames)
	}
	if found.Overdue > 0 {
		fmt.Fprintf(w, "%s overdue\n", wording.Count(found.Overdue, "delivery"))
	}
	if found.Undeliverable > 0 {
		fmt.Fprintf(w, "%s to deleted endpoints\n", wording.Count(found.Undeliverable, "delivery"))
	}
	if found.InOrder {
		fmt.Fprintln(w, "All workflows are in place.")
	}
}

// writeNames prints the first names, and how many there are beyond them.
func writeNames(w io.Writer, what string, n int, names []string) {
	for _, name := range names {
		fmt.Fprintf(w, "  %-8s %s\n", what, output.OneLine(name))
	}
	if more := n - len(names); more > 0 {
		fmt.Fprintf(w, "  %-8s and %d more\n", what, more)
	}
}
