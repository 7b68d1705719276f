package output

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Table is rows of cells in columns. To fit a terminal, columns are dropped, then cells are
// cut.
type Table struct {
	Indent string
	Rows   [][]string
	styles []Style
	fits   bool     // may leave out columns and cut cells
	spare  []string // headings of the columns that may be left out, the first one first
}

// NewTable begins with the headings of the columns.
func NewTable(headings ...string) *Table {
	return &Table{Rows: [][]string{headings}, styles: []Style{Faint}, fits: true}
}

// Drop names the columns that a narrow terminal leaves out, the least important
// one first.
func (t *Table) Drop(headings ...string) *Table {
	t.spare = headings
	return t
}

// Row adds a row. Cells hold one line each.
func (t *Table) Row(style Style, cells ...string) {
	for i, cell := range cells {
		cells[i] = OneLine(cell)
	}
	t.Rows, t.styles = append(t.Rows, cells), append(t.styles, style)
}

const (
	// broadest is the maximum width that a cell gives its column; a digest fits. A wider
	// cell moves only the rest of its own row.
	broadest = len("sha256:") + 64
	// narrowest is the minimum width of a cut column; columns are dropped before that.
	narrowest = 30
	// gap is the space between columns.
	gap = 2
)

// column is a column of a table as it is printed.
type column struct {
	index, width int
	last         bool // of the table: its text is cut at the end
}

// Write aligns the columns and then colours whole rows, so that the codes do
// not count as width.
func (t *Table) Write(w io.Writer) {
	limit := 0
	if t.fits {
		limit = WidthOf(w)
	}
	columns := t.columns(limit)
	for i, cells := range t.Rows {
		line := t.Indent
		for k, c := range columns {
			if c.index >= len(cells) {
				break
			}
			cell := cells[c.index]
			if limit > 0 {
				cell = c.cut(cell)
			}
			line += cell
			if k < len(columns)-1 {
				line += strings.Repeat(" ", max(c.width-CellsOf(cell), 0)+gap)
			}
		}
		fmt.Fprintln(w, Paint(w, t.styles[i], strings.TrimRight(line, " ")))
	}
}

// columns are all columns if limit is 0, otherwise those that fit into that many
// cells.
func (t *Table) columns(limit int) []column {
	var columns []column
	for _, cells := range t.Rows {
		for i, cell := range cells {
			if i == len(columns) {
				columns = append(columns, column{index: i})
			}
			if width := CellsOf(cell); limit > 0 || width <= broadest {
				columns[i].width = max(columns[i].width, width)
			}
		}
	}
	if limit == 0 || len(columns) == 0 {
		return columns
	}
	columns[len(columns)-1].last = true
	for _, heading := range t.spare {
		if total(columns, narrowest)+len(t.Indent) <= limit {
			break
		}
		spare := slices.Index(t.Rows[0], heading)
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.index == spare })
	}
	for total(columns, broadest*limit)+len(t.Indent) > limit {
		widest := 0
		for i := range columns {
			if columns[i].width >= columns[widest].width {
				widest = i
			}
		}
		if columns[widest].width <= 1 {
			break
		}
		columns[widest].width--
	}
	return columns
}

// total is the width of the columns together if each is that wide at most.
func total(columns []column, most int) int {
	sum := gap * (len(columns) - 1)
	for _, c := range columns {
		sum += min(c.width, most)
	}
	return sum
}

// cut shortens text to the width of the column: at the end in the last column of
// a table, in the middle elsewhere, so that a reference keeps the end of its
// repository and its tag.
func (c column) cut(text string) string {
	if CellsOf(text) <= c.width {
		return text
	}
	if c.last {
		return head(text, c.width-1) + "…"
	}
	name, _, _ := strings.Cut(text, "@") // the platform may hold a slash
	end := CellsOf(text) - CellsOf(name[:strings.LastIndex(name, "/")+1])
	back := min(max(end, (c.width-1)*2/3), c.width-1)
	return head(text, c.width-1-back) + "…" + tail(text, back)
}

// head is the beginning of text, that many cells wide at most.
func head(text string, most int) string {
	for i, r := range text {
		if most -= runeCells(r); most < 0 {
			return text[:i]
		}
	}
	return text
}

// tail is the end of text, that many cells wide at most.
func tail(text string, most int) string {
	runes := []rune(text)
	for i, r := range slices.Backward(runes) {
		if most -= runeCells(r); most < 0 {
			return string(runes[i+1:])
		}
	}
	return text
}

// CellsOf is how many cells of a terminal text takes.
func CellsOf(text string) int {
	cells := 0
	for _, r := range text {
		cells += runeCells(r)
	}
	return cells
}

func runeCells(r rune) int {
	switch {
	case r < unicode.MaxLatin1:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// defaultWidth is that of a terminal that does not report its own.
const defaultWidth = 80

// TerminalWidth is the width of the terminal w in cells; 0 if w is not a terminal. COLUMNS
// takes precedence.
func TerminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
		return columns
	}
	return defaultWidth
}

// WidthOf is the maximum width of the output; 0 for no limit.
func WidthOf(w io.Writer) int {
	if shielded, ok := w.(*Shield); ok {
		return shielded.Width
	}
	return 0
}
