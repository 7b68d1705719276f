// Package output writes tables, JSON and text, and keeps untrusted text from controlling the
// terminal.
package output

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// WriteJSON prints indented JSON that leaves <, > and & as they are.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Style is the style of a table row on a terminal.
type Style string

// The styles, as SGR codes of ECMA-48.
const (
	Ordinary Style = ""
	Bad      Style = "31" // red
	Doubtful Style = "33" // yellow
	Faint    Style = "2"
)

// Pairs is a table of two columns without headings: a name and its value. Rows
// without a value are left out.
type Pairs struct{ Table }

func (p *Pairs) Add(name, value string) {
	if value != "" {
		p.Row(Ordinary, name, value)
	}
}

// Paint colours the text on a terminal.
func Paint(w io.Writer, style Style, text string) string {
	if style == Ordinary || text == "" || !Coloured(w) {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

func Coloured(w io.Writer) bool {
	shield, ok := w.(*Shield)
	return ok && shield.Colours
}

// OneLine makes text fit a cell: without line breaks, tabs and other controls.
func OneLine(text string) string {
	return strings.TrimSpace(plain.Line(text))
}
