package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// textKind says which texts a translation is for.
type textKind int

const (
	plainTexts textKind = iota // see isPlain
	allTexts
)

// translate rewrites an expression of Python 3.8, which Anchore Engine ran on, for our
// engines, and anchors it at the start.
// https://docs.python.org/3.8/library/re.html
func translate(text string, texts textKind) (string, error) {
	d := dialect{text: text, texts: texts}
	for {
		err := d.translate()
		if errors.Is(err, errAgain) {
			continue
		}
		if err != nil {
			return "", err
		}
		return d.global.group(0, ")") + `\A(?:` + d.out.String() + ")", nil
	}
}

// dialect is an expression on its way from Python's syntax to the engines'.
type dialect struct {
	text  string
	texts textKind
	// global are the flags of the whole expression, wherever in it they stand;
	// references reports whether it refers to its groups. Both take one pass to find.
	global     flags
	references bool

	rest   string
	out    strings.Builder
	flags  flags  // in force
	open   []open // groups around
	groups int    // that capture
	ahead  int    // highest number of a group that is referred to before it begins
	names  map[string]int
}

type open struct {
	flags  flags // that its end restores
	number int   // 0 for one that does not capture
}

// errAgain starts the translation over, with the flags and references found so far.
var errAgain = errors.New("again")

func (d *dialect) translate() error {
	d.rest, d.flags, d.open, d.groups, d.ahead, d.names = d.text, d.global, nil, 0, 0, map[string]int{}
	d.out.Reset()
	for d.rest != "" {
		if err := d.step(); err != nil {
			return err
		}
	}
	if len(d.open) > 0 {
		return errors.New("a parenthesis is not closed")
	}
	if d.ahead > d.groups {
		return fmt.Errorf("group %d does not exist", d.ahead)
	}
	return nil
}

func (d *dialect) step() error {
	if d.flags&verbose != 0 && d.skipBlank() {
		return nil
	}
	switch d.rest[0] {
	case '\\':
		return d.escape()
	case '[':
		return d.class()
	case '(':
		return d.group()
	case ')':
		return d.closeGroup()
	case '{':
		d.repetition()
	case '$':
		d.replace(1, d.end())
	case '^', '.', '|', '*', '+', '?':
		d.replace(1, d.rest[:1])
	default:
		r, size := utf8.DecodeRuneInString(d.rest)
		d.replace(size, quoteRune(r))
	}
	return nil
}

func (d *dialect) replace(consumed int, written string) {
	d.rest = d.rest[consumed:]
	d.out.WriteString(written)
}

func (d *dialect) skipBlank() bool {
	switch {
	case strings.IndexByte(" \t\n\r\v\f", d.rest[0]) >= 0:
		d.rest = d.rest[1:]
	case d.rest[0] == '#':
		_, d.rest, _ = strings.Cut(d.rest, "\n")
	default:
		return false
	}
	return true
}

// end is what $ stands for: without the flag m, the end of the text or the
// newline there.
func (d *dialect) end() string {
	switch {
	case d.flags&multiline != 0:
		return "$"
	case d.texts == plainTexts:
		return `\z`
	}
	return `(?=\n?\z)`
}

// repetition is {n}, {n,}, {,m}, {n,m} or {,}; any other brace is a character.
func (d *dialect) repetition() {
	inside, _, closed := strings.Cut(d.rest[1:], "}")
	low, high, ranged := strings.Cut(inside, ",")
	if !closed || inside == "" || !isDigits(low) || !isDigits(high) {
		d.replace(1, `\{`)
		return
	}
	written := "{" + plainNumber(low, "0")
	if ranged {
		written += "," + plainNumber(high, "")
	}
	d.replace(len(inside)+2, written+"}")
}

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// plainNumber drops leading zeros, which the engines reject.
func plainNumber(digits, otherwise string) string {
	if digits == "" {
		return otherwise
	}
	if stripped := strings.TrimLeft(digits, "0"); stripped != "" {
		return stripped
	}
	return "0"
}

func quoteRune(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$-#&~`, r) {
		return `\` + string(r)
	}
	return string(r)
}
