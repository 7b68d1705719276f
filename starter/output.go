package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// The forms of output.
const (
	formTable = "table"
	formJSON  = "json"
)

// outputFlag is for commands that print data.
func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: formTable, Usage: "`form` of the output: table for people, json for programs"}
}

// checkOutput refuses a form that the command does not have.
func (s *session) checkOutput() error {
	form := s.String("output")
	forms := []string{formTable, formJSON}
	if s.Command.Name == sbomName {
		forms = sbomForms
	}
	if form != "" && !slices.Contains(forms, form) {
		return usage("output form %q (--output) is not one of %s", form, strings.Join(forms, ", "))
	}
	return nil
}

// asJSON reports whether a program reads the output.
func (s *session) asJSON() bool { return s.String("output") == formJSON }

// show prints the value for programs, or what people print.
func (s *session) show(value any, people func(io.Writer)) error {
	if s.asJSON() {
		return writeJSON(s.out, value)
	}
	people(s.out)
	return nil
}

// sayNone says that a list is empty: which of the given filters nothing matches,
// or, without filters, why there is nothing yet.
func (s *session) sayNone(thing, unfiltered string, filters ...string) {
	var given []string
	for _, name := range filters {
		switch value := s.Value(name).(type) {
		case bool:
			if value {
				given = append(given, "--"+name)
			}
		default:
			if s.IsSet(name) {
				given = append(given, "--"+name+" "+s.text(name))
			}
		}
	}
	if len(given) == 0 {
		s.say("%s", unfiltered)
		return
	}
	s.say("No %s matches %s", thing, strings.Join(given, " "))
}

// writeJSON prints indented JSON that leaves <, > and & as they are.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// writeLine prints JSON on one line, for programs that read a stream.
func writeLine(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// style is how a row of a table looks on a terminal.
type style string

// The styles, as SGR codes of ECMA-48.
const (
	ordinary style = ""
	bad      style = "31" // red
	doubtful style = "33" // yellow
	faint    style = "2"
)

// table is rows of cells in columns.
type table struct {
	indent string
	rows   [][]string
	styles []style
}

// newTable begins with the headings of the columns.
func newTable(headings ...string) *table {
	return &table{rows: [][]string{headings}, styles: []style{faint}}
}

// row adds a row. Cells hold one line each.
func (t *table) row(style style, cells ...string) {
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	t.rows, t.styles = append(t.rows, cells), append(t.styles, style)
}

// broadest is how broad a cell may be and still push the columns behind it to the
// right in all rows; a longer one does so in its own.
const broadest = 64

// write aligns the columns and then colours whole rows, so that the codes do
// not count as width.
func (t *table) write(w io.Writer) {
	widths := t.widths()
	for i, cells := range t.rows {
		line := t.indent
		for column, cell := range cells {
			line += cell
			if column < len(cells)-1 {
				line += strings.Repeat(" ", max(widths[column]-utf8.RuneCountInString(cell), 0)+2)
			}
		}
		fmt.Fprintln(w, paint(w, t.styles[i], strings.TrimRight(line, " ")))
	}
}

// widths are those of the columns.
func (t *table) widths() map[int]int {
	widths := map[int]int{}
	for _, cells := range t.rows {
		for column, cell := range cells {
			if width := utf8.RuneCountInString(cell); width <= broadest {
				widths[column] = max(widths[column], width)
			}
		}
	}
	return widths
}

// pairs is a table of two columns without headings: a name and its value. Rows
// without a value are left out.
type pairs struct{ table }

func (p *pairs) add(name, value string) {
	if value != "" {
		p.row(ordinary, name, value)
	}
}

// paint colours the text if a person sees it, as https://no-color.org asks.
func paint(w io.Writer, style style, text string) string {
	if style == ordinary || text == "" || !coloured(w) {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

func coloured(w io.Writer) bool {
	if shielded, ok := w.(*shield); ok {
		w = shielded.Writer
	}
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(file.Fd()))
}

// oneLine makes text fit a cell: without line breaks, tabs and other controls.
func oneLine(text string) string {
	return strings.TrimSpace(plain.Line(text))
}
