// Package output writes tables, JSON and words for people, and keeps foreign text
// from controlling the terminal.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// WriteJSON prints indented JSON that leaves <, > and & as they are.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// WriteLine prints JSON on one line, for programs that read a stream.
func WriteLine(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// Style is how a row of a table looks on a terminal.
type Style string

// The styles, as SGR codes of ECMA-48.
const (
	Ordinary Style = ""
	Bad      Style = "31" // red
	Doubtful Style = "33" // yellow
	Faint    Style = "2"
)

// Table is rows of cells in columns.
type Table struct {
	Indent string
	Rows   [][]string
	styles []Style
}

// NewTable begins with the headings of the columns.
func NewTable(headings ...string) *Table {
	return &Table{Rows: [][]string{headings}, styles: []Style{Faint}}
}

// Row adds a row. Cells hold one line each.
func (t *Table) Row(style Style, cells ...string) {
	for i, cell := range cells {
		cells[i] = OneLine(cell)
	}
	t.Rows, t.styles = append(t.Rows, cells), append(t.styles, style)
}

// broadest is how broad a cell may be and still push the columns behind it to the
// right in all rows; a longer one does so in its own.
const broadest = 64

// Write aligns the columns and then colours whole rows, so that the codes do
// not count as width.
func (t *Table) Write(w io.Writer) {
	widths := t.widths()
	for i, cells := range t.Rows {
		line := t.Indent
		for column, cell := range cells {
			line += cell
			if column < len(cells)-1 {
				line += strings.Repeat(" ", max(widths[column]-utf8.RuneCountInString(cell), 0)+2)
			}
		}
		fmt.Fprintln(w, Paint(w, t.styles[i], strings.TrimRight(line, " ")))
	}
}

// widths are those of the columns.
func (t *Table) widths() map[int]int {
	widths := map[int]int{}
	for _, cells := range t.Rows {
		for column, cell := range cells {
			if width := utf8.RuneCountInString(cell); width <= broadest {
				widths[column] = max(widths[column], width)
			}
		}
	}
	return widths
}

// Pairs is a table of two columns without headings: a name and its value. Rows
// without a value are left out.
type Pairs struct{ Table }

func (p *Pairs) Add(name, value string) {
	if value != "" {
		p.Row(Ordinary, name, value)
	}
}

// Paint colours the text if a person sees it, as https://no-color.org asks.
func Paint(w io.Writer, style Style, text string) string {
	if style == Ordinary || text == "" || !coloured(w) {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

func coloured(w io.Writer) bool {
	if shielded, ok := w.(*Shield); ok {
		w = shielded.Writer
	}
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(file.Fd()))
}

// OneLine makes text fit a cell: without line breaks, tabs and other controls.
func OneLine(text string) string {
	return strings.TrimSpace(plain.Line(text))
}
