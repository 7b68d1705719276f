package session

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/exit"
)

// The forms of output.
const (
	formTable = "table"
	formWide  = "wide" // table, with all columns at their full width
	formJSON  = "json"
	formYAML  = "yaml"
	formCSV   = "csv"
)

// OutputFlag is for commands that print data.
func OutputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: formTable,
		Usage: "output `format`: table, wide (all columns, nothing cut), json, yaml or csv"}
}

// checkOutput refuses a form that the command does not have.
func (s *Session) checkOutput() error {
	form, allowed := s.String("output"), Forms
	if s.Command.Name == SBOMName {
		allowed = SBOMForms
	}
	switch {
	case form == "name" && s.hasFlag("quiet"):
		return exit.Usage("invalid value %q for --output; did you mean: --quiet", form)
	case form != "" && !slices.Contains(allowed, form):
		return exit.Usage("invalid value %q for --output: expected one of %s", form, strings.Join(allowed, ", "))
	case s.Bool("quiet") && s.IsSet("output"):
		return exit.Usage("--quiet and --output exclude each other")
	}
	return nil
}

// Show prints a value in the form of --output. people prints it as text.
func (s *Session) Show(value any, people func(io.Writer)) error {
	s.Shown()
	if s.ForPeople() {
		people(s.Out)
		return nil
	}
	return writeForm(s.Out, s.String("output"), value, value)
}

// SayNone says that a list is empty: that nothing matches the given filters or, without
// filters, why there is nothing yet.
func (s *Session) SayNone(thing, unfiltered string, filters ...string) {
	var given []string
	for _, name := range filters {
		switch value := s.Value(name).(type) {
		case bool:
			if value {
				given = append(given, "--"+name)
			}
		default:
			if s.IsSet(name) {
				given = append(given, "--"+name+" "+s.Text(name))
			}
		}
	}
	if len(given) == 0 {
		s.Say("%s", unfiltered)
		return
	}
	s.Say("No %s matches %s", thing, strings.Join(given, " "))
}

const (
	SBOMName = "sbom"
	FormSyft = "syft-json"
)

// SBOMForms are what an SBOM can be printed as.
var SBOMForms = []string{FormSyft, "cyclonedx-json", "spdx-json"}
