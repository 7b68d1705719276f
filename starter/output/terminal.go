package output

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// Shield writes text to a terminal, or to a file that a terminal may show later. Characters
// that control terminals are escaped as in JSON and Go, so that JSON stays valid.
type Shield struct {
	io.Writer
	mu    sync.Mutex // progress may be written concurrently
	rest  []byte     // the beginning of a character
	Width int        // of tables; 0 for no limit
	// Colours reports whether the terminal has them.
	Colours bool
}

// Shielded takes the width and the colours of w.
func Shielded(w io.Writer) *Shield {
	return &Shield{Writer: w, Width: TerminalWidth(w), Colours: HasColours(w)}
}

// HasColours follows https://no-color.org.
func HasColours(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(file.Fd()))
}

// painted are the codes of Paint, the only ones that are not escaped.
var painted = regexp.MustCompile(`^\x1b\[(?:31|33|2|0)m`)

// Write implements io.Writer.
func (s *Shield) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append(s.rest, p...)
	var out strings.Builder
	for len(text) > 0 && utf8.FullRune(text) {
		if code := painted.Find(text); code != nil {
			out.Write(code)
			text = text[len(code):]
			continue
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r == '\t' || r == utf8.RuneError && size > 1 || plain.Shown(r):
			out.Write(text[:size])
		case r == utf8.RuneError:
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		text = text[size:]
	}
	s.rest = append([]byte(nil), text...)
	_, err := io.WriteString(s.Writer, out.String())
	return len(p), err
}
