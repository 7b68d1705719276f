package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// textKind says which texts a translation is for.
type textKind int

const (
	plainTexts textKind = iota // see isPlain
	allTexts
)

// translate rewrites an expression of Python 3.8, the one that Anchore Engine ran
// on, for our engines, and anchors it at the start.
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
	// references tells whether it refers to its groups. Both are known when it was
	// read once.
	global     flags
	references bool

	rest   string
	out    strings.Builder
	flags  flags  // in force
	open   []open // groups around
	groups int    // that capture
	ahead  int    // highest number of a group that is referred to before it comes
	names  map[string]int
}

// open is a group whose end is not reached.
type open struct {
	flags  flags // that its end restores
	number int   // 0 for one that does not capture
}

// errAgain asks to translate from the beginning, given what is known now.
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
		return fmt.Errorf("there is no group %d", d.ahead)
	}
	return nil
}

// step translates the next element.
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

// replace consumes so many bytes and writes the other text.
func (d *dialect) replace(consumed int, written string) {
	d.rest = d.rest[consumed:]
	d.out.WriteString(written)
}

// skipBlank passes over a blank or a comment, which say nothing with the flag x.
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

// plainNumber has no leading zeros, which the engines do not take.
func plainNumber(digits, otherwise string) string {
	if digits == "" {
		return otherwise
	}
	if stripped := strings.TrimLeft(digits, "0"); stripped != "" {
		return stripped
	}
	return "0"
}

// quoteRune writes a character that stands for itself, in a class or outside.
func quoteRune(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$-#&~`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// escape translates a backslash and what follows it.
func (d *dialect) escape() error {
	if len(d.rest) < 2 {
		return errors.New("a backslash ends the expression")
	}
	letter := d.rest[1]
	switch letter {
	case 'A':
		d.replace(2, `\A`)
	case 'Z':
		d.replace(2, `\z`)
	case 'b', 'B':
		d.replace(2, d.boundary(letter == 'b'))
	case 'd', 's', 'w':
		d.replace(2, "["+d.classText(letter)+"]")
	case 'D', 'S', 'W':
		d.replace(2, "[^"+d.classText(letter|0x20)+"]")
	default:
		return d.escapedCharacter()
	}
	return nil
}

// boundary is \b or \B. On the linear engine both are about words of ASCII.
func (d *dialect) boundary(is bool) string {
	word := "[" + d.classText('w') + "]"
	switch {
	case d.texts == plainTexts && is:
		return `\b`
	case d.texts == plainTexts:
		return `\B`
	case is:
		return fmt.Sprintf("(?:(?<=%[1]s)(?!%[1]s)|(?<!%[1]s)(?=%[1]s))", word)
	}
	return fmt.Sprintf("(?:(?<=%[1]s)(?=%[1]s)|(?<!%[1]s)(?!%[1]s)(?:(?=[^a]|a)|(?<=[^a]|a)))", word) // never in an empty text
}

// escapedCharacter is one that is written by its number or name, or a reference
// to a group.
func (d *dialect) escapedCharacter() error {
	if number := d.referenceNumber(); number > 0 {
		return d.reference(number, 1+len(strconv.Itoa(number)))
	}
	r, size, err := escapedRune(d.rest, false)
	if err == nil {
		d.replace(size, quoteRune(r))
	}
	return err
}

// referenceNumber is the number of a group after a backslash: one or two digits
// that are not an octal number of three.
func (d *dialect) referenceNumber() int {
	digits := d.rest[1:min(4, len(d.rest))]
	if digits[0] < '1' || digits[0] > '9' || len(digits) == 3 && isOctal(digits) {
		return 0
	}
	length := 1
	if len(digits) > 1 && isDigits(digits[1:2]) {
		length = 2
	}
	number, _ := strconv.Atoi(digits[:length])
	return number
}

func isOctal(text string) bool { return strings.Trim(text, "01234567") == "" }
