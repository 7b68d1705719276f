package tags

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/workload"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// runningCell is how many of the containers run the image that the tag points to.
func runningCell(r *workload.Running) string {
	if r == nil {
		return "-"
	}
	cell := fmt.Sprintf("%d of %d", r.Current, r.Total)
	if r.Unknown > 0 {
		cell += fmt.Sprintf(", %d unknown", r.Unknown)
	}
	return cell
}

func runningLine(r *workload.Running) string {
	if r == nil {
		return ""
	}
	line := fmt.Sprintf("%d of %d containers run the image that the tag points to", r.Current, r.Total)
	if r.Older > 0 {
		line += fmt.Sprintf(", %d an older one", r.Older)
	}
	if r.Unknown > 0 {
		line += fmt.Sprintf(", %d an unknown one", r.Unknown)
	}
	return line
}

// writeRunning lists the workloads, those that run an older image first.
func writeRunning(s *session.Session, w io.Writer, r *workload.Running) {
	if r == nil {
		return
	}
	fmt.Fprintln(w, "\nWorkloads")
	t := output.NewTable("WORKLOAD", "SOURCE", "CONTAINERS", "IMAGE", "AGE")
	for _, each := range r.Workloads {
		style, digest := output.Ordinary, each.Image
		if each.Age != workload.Current {
			style = output.Doubtful
		}
		if digest == "" {
			digest = each.Reported
		}
		t.Row(style, each.Key.String(), each.Source, strconv.Itoa(each.Count), output.Dash(digest.Short()), string(each.Age))
	}
	t.Write(w)
	if r.Omitted > 0 {
		s.Say("%d more workloads", r.Omitted)
	}
}

// workloadsCell names the workloads that run an affected image.
func workloadsCell(all []workload.Instance) string {
	names := workload.Names(all)
	switch len(names) {
	case 0:
		return "-"
	case 1:
		return names[0]
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}

// runBy adds a cell where any of the rows has workloads.
func runBy(cells []string, any bool, cell string) []string {
	if !any {
		return cells
	}
	return append(cells, cell)
}

// imageCell is the digest, with a word if the tag points to another image.
func imageCell(short string, older bool) string {
	if older {
		return short + " (older)"
	}
	return short
}
