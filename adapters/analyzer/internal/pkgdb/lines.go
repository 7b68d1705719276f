package pkgdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxShown bounds the part of a line in an error, in bytes.
const maxShown = 60

// lines reads a text line by line, of any length.
type lines struct {
	reader *bufio.Reader
	number int
	text   string // without the end of the line
	// cut reports that the last line has no end, blank that it is empty.
	cut, blank bool
	err        error
}

func newLines(content io.Reader) *lines { return &lines{reader: bufio.NewReader(content)} }

// next reads the next line; false at the end or after a failure.
func (l *lines) next() bool {
	text, err := l.reader.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
		return false
	}
	if text == "" {
		return false
	}
	l.number++
	l.text, l.cut = strings.CutSuffix(text, "\n")
	l.cut = !l.cut
	l.blank = l.text == ""
	return true
}

func (l *lines) quote() string {
	if len(l.text) > maxShown {
		return fmt.Sprintf("%q...", l.text[:maxShown])
	}
	return fmt.Sprintf("%q", l.text)
}

// binary reports whether a line has control characters.
func (l *lines) binary() bool {
	return strings.ContainsFunc(l.text, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' })
}
