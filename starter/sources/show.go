package sources

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show what was found in a source, and what became of it",
		UsageText:   "tagwatch source show NAME [options]",
		Description: "   tagwatch source show shop\n   tagwatch source show shop -o json",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action:      session.One("NAME", show),
	}
}

func show(ctx context.Context, s *session.Session, name string) error {
	detail, err := operations.ShowSource.Run(ctx, s.System(), operations.SourceRequest{Name: name})
	if err != nil {
		return err
	}
	return s.Show(detail, func(w io.Writer) { writeDetail(s, w, detail) })
}

func writeDetail(s *session.Session, w io.Writer, d operations.SourceDetail) {
	read := "read " + s.Ago(d.Checked)
	if d.Checked.IsZero() && d.Problem == nil {
		read = "it is being read for the first time"
	}
	fmt.Fprintf(w, "%s: %s of %s, %s\n", d.Name, wording.Count(d.Tags, "tag"), wording.Count(d.References, "reference"), read)
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		fmt.Fprintf(w, "variable %s=%s\n", name, d.Variables[name])
	}
	if d.Problem != nil {
		fmt.Fprintf(w, "problem: %s\n", d.Problem.Message)
	}
	if d.Waiting != nil {
		fmt.Fprintf(w, "waiting: %s\n", d.Waiting.Message)
	}
	if d.Unconfirmed {
		s.Say("If that is right, confirm it with: tagwatch source confirm %s", d.Name)
	}
	fmt.Fprintln(w)
	found := make([]source.Found, len(d.Found))
	as := make([]string, len(d.Found))
	for i, each := range d.Found {
		found[i], as[i] = each.Found, each.WatchedAs
		if each.Problem != nil {
			notes := []string{each.Problem.Message}
			if len(each.PullSecrets) > 0 {
				notes = append(notes, "the cluster pulls it with "+strings.Join(each.PullSecrets, ", "))
			}
			if each.Note != "" {
				notes = append(notes, each.Note)
			}
			found[i].Note = strings.Join(notes, "; ")
		}
	}
	writeFound(w, found, as)
	for _, target := range d.Leaving {
		s.Say("%s was not in it at the last reading; its watch ends if the next lacks it too", target)
	}
}

// reasons say why a reference is not followed.
var reasons = map[source.Reason]string{
	source.Scratch:    "the empty image",
	source.Stage:      "an earlier stage",
	source.Built:      "built there, or in no registry; tagwatch/watch=true watches it",
	source.NoValue:    "variable without a value",
	source.Template:   "a template",
	source.NoProfile:  "profile not selected (--profile)",
	source.SwitchOff:  "switched off by tagwatch/watch=false",
	source.BadLabel:   "a label cannot be used",
	source.Nameless:   "its name was removed or taken over",
	source.NotAnImage: "not an image of a registry",
	source.Invalid:    "not a reference",
	source.Unreadable: "not to be had",
}

func writeFound(w io.Writer, found []source.Found, as []string) {
	t := output.NewTable("REFERENCE", "WHERE", "WATCHED", "NOTE")
	for i, each := range found {
		style, watched, note := output.Ordinary, "yes", each.Note
		if !each.Followed() {
			style, watched, note = output.Faint, "no", reasons[each.Reason]
			if each.Note != "" {
				note += ": " + each.Note
			}
		}
		if as != nil && each.Followed() {
			if watched = as[i]; watched == "" {
				watched, note = "no", "unsubscribed, or not started yet"
			}
		}
		t.Row(style, each.Text, each.Place, watched, note)
	}
	t.Write(w)
}

func writePlan(s *session.Session, w io.Writer, plan source.Plan) {
	fmt.Fprintf(w, "%s: %s of %s would be watched, %d new, %d missing\n\n", plan.Source.Name, wording.Count(plan.Tags, "tag"), wording.Count(plan.References, "reference"), plan.New, plan.Missing)
	writeFound(w, plan.Found, nil)
	if plan.Omitted > 0 {
		fmt.Fprintf(w, "\n%s more, too many to list here; once the source is added, all are shown by: tagwatch source show %s\n", wording.Count(plan.Omitted, "reference"), plan.Source.Name)
	}
	if plan.Problem != "" {
		s.Say("%s", plan.Problem)
	}
	s.Say("Nothing was changed.")
}
