package session

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
)

// The forms of output.
const (
	FormTable = "table"
	FormJSON  = "json"
)

// OutputFlag is for commands that print data.
func OutputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: FormTable, Usage: "output `format`: table for people, json for programs"}
}

// checkOutput refuses a form that the command does not have.
func (s *Session) checkOutput() error {
	form := s.String("output")
	forms := []string{FormTable, FormJSON}
	if s.Command.Name == SBOMName {
		forms = SBOMForms
	}
	if form != "" && !slices.Contains(forms, form) {
		return exit.Usage("invalid value %q for --output: expected one of %s", form, strings.Join(forms, ", "))
	}
	return nil
}

// AsJSON reports whether a program reads the output.
func (s *Session) AsJSON() bool { return s.String("output") == FormJSON }

// Show prints the value for programs, or what people print.
func (s *Session) Show(value any, people func(io.Writer)) error {
	if s.AsJSON() {
		return output.WriteJSON(s.Out, value)
	}
	people(s.Out)
	return nil
}

// SayNone says that a list is empty: which of the given filters nothing matches,
// or, without filters, why there is nothing yet.
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
