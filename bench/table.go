package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one figure. A budget of noBudget is none.
type row struct {
	name     string
	measured float64
	unit     string
	budget   float64
}

const noBudget = -1

// table is what was measured so far, in order.
type table struct{ rows []row }

func (t *table) add(name string, measured float64, unit string, budget float64) {
	t.rows = append(t.rows, row{name, measured, unit, budget})
}

// print writes one line for each row: what, measured, unit, budget and ratio.
func (t *table) print(out io.Writer) {
	fmt.Fprintln(out)
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "WHAT\tMEASURED\tUNIT\tBUDGET\tRATIO")
	for _, r := range t.rows {
		budget, ratio := "-", "-"
		if r.budget != noBudget {
			budget = fmt.Sprintf("%.4g", r.budget)
		}
		if r.budget > 0 {
			ratio = fmt.Sprintf("%.2f", r.measured/r.budget)
		}
		fmt.Fprintf(columns, "%s\t%.4g\t%s\t%s\t%s\n", r.name, r.measured, r.unit, budget, ratio)
	}
	_ = columns.Flush() // to a terminal or a file of the person's
}

// chosen reads -only; empty for all of the parts.
func chosen(only string, parts []string) ([]string, error) {
	if only == "" {
		return parts, nil
	}
	names := strings.Split(only, ",")
	for _, name := range names {
		if !slices.Contains(parts, name) {
			return nil, fmt.Errorf("-only %q: there is no such part; expected some of %s", name, strings.Join(parts, ","))
		}
	}
	return names, nil
}
