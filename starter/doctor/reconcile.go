package doctor

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
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
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	var result watcher.Reconciled
	err = s.Follow(ctx, linked, workflows.ReconcileID, "the reconciliation goes on; see: tagwatch doctor", func(ctx context.Context) (err error) {
		result, err = linked.Client.Reconcile(ctx, watcher.ReconcileRequest{DryRun: s.Bool("dry-run")})
		return err
	})
	if err != nil {
		return err
	}
	view := reconciledViewOf(result)
	if err := s.Show(view, func(w io.Writer) { writeReconciled(w, view) }); err != nil {
		return err
	}
	if view.DryRun && !view.InOrder {
		return exit.ErrAnswered
	}
	return nil
}

// reconciledView is the outcome for programs.
type reconciledView struct {
	DryRun        bool           `json:"dry_run"`
	InOrder       bool           `json:"in_order"`
	Watchers      []comparedView `json:"watchers"`
	Overdue       int            `json:"deliveries_overdue"`
	Undeliverable int            `json:"deliveries_undeliverable"`
}

type comparedView struct {
	Kind    watcher.Kind `json:"kind"`
	Wanted  int          `json:"wanted"`
	Missing int          `json:"missing"`
	Stray   int          `json:"stray"`
	// Unlabeled ones ran without some of their search attributes.
	Unlabeled int `json:"unlabeled"`
	// The first names of each.
	MissingNames []string `json:"missing_names"`
	StrayNames   []string `json:"stray_names"`
}

func reconciledViewOf(result watcher.Reconciled) reconciledView {
	view := reconciledView{DryRun: result.DryRun, InOrder: result.InOrder(), Watchers: []comparedView{},
		Overdue: result.Deliveries.Overdue, Undeliverable: result.Deliveries.Undeliverable}
	for _, c := range result.Watchers {
		view.Watchers = append(view.Watchers, comparedView{c.Kind, c.Wanted, c.Missing, c.Stray, c.Unlabeled,
			append([]string{}, c.MissingNames...), append([]string{}, c.StrayNames...)})
	}
	return view
}

func writeReconciled(w io.Writer, view reconciledView) {
	started, ended := "STARTED", "ENDED"
	if view.DryRun {
		started, ended = "MISSING", "UNNEEDED"
	}
	t := output.NewTable("WATCHERS", "WANTED", started, ended, "UNLABELED")
	for _, c := range view.Watchers {
		style := output.Ordinary
		if c.Missing+c.Stray+c.Unlabeled > 0 {
			style = output.Doubtful
		}
		t.Row(style, string(c.Kind), fmt.Sprint(c.Wanted), fmt.Sprint(c.Missing), fmt.Sprint(c.Stray), fmt.Sprint(c.Unlabeled))
	}
	t.Write(w)
	for _, c := range view.Watchers {
		writeNames(w, started, c.Missing, c.MissingNames)
		writeNames(w, ended, c.Stray, c.StrayNames)
	}
	if view.Overdue > 0 {
		fmt.Fprintf(w, "%s overdue\n", wording.Count(view.Overdue, "delivery"))
	}
	if view.Undeliverable > 0 {
		fmt.Fprintf(w, "%s to deleted endpoints\n", wording.Count(view.Undeliverable, "delivery"))
	}
	if view.InOrder {
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
