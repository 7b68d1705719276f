package policy

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	flagGroup     = regexp.MustCompile(`^\(\?([A-Za-z]*)(-[A-Za-z]+)?([:)])`)
	pythonFlags   = regexp.MustCompile(`^\(\?[aiLmsux]*(-[imsx]+)?[:)]$`)
	typeFlags     = strings.NewReplacer("a", "", "L", "", "u", "") // of Python's string types
	backReference = regexp.MustCompile(`^\(\?P=([A-Za-z_][A-Za-z0-9_]*)\)`)
	openRepeat    = regexp.MustCompile(`^\{,[0-9]+\}`)
	classStart    = regexp.MustCompile(`^\[\^?\]?`)
	freeSpacing   = regexp.MustCompile(`^\(\?[aiLmsu]*x`)
)

// translate rewrites what Python's regular expressions write differently from
// both engines, and anchors the expression at the start. Two differences
// remain on the linear engine: \d, \w and \s mean ASCII, and $ does not match
// before a final newline.
// https://docs.python.org/3.8/library/re.html
func translate(text string) (string, error) {
	d := dialect{rest: text}
	d.out.WriteString(`\A(?:`)
	for d.rest != "" {
		if err := d.step(); err != nil {
			return "", err
		}
	}
	if freeSpacing.MatchString(text) {
		d.out.WriteString("\n") // ends a comment
	}
	d.out.WriteString(")")
	return d.out.String(), nil
}

// dialect is an expression on its way from Python's syntax to the engines'.
type dialect struct {
	rest    string
	out     strings.Builder
	inClass bool
}

// step translates the next element.
func (d *dialect) step() error {
	switch {
	case d.rest[0] == '\\':
		d.escape()
	case d.inClass:
		d.classElement()
	case d.rest[0] == '[':
		d.inClass = true
		start := classStart.FindString(d.rest)
		d.replace(start, strings.Replace(start, "]", `\]`, 1))
	case d.rest[0] == '(':
		return d.group()
	case openRepeat.MatchString(d.rest):
		d.replace("{,", "{0,")
	default:
		d.replace(d.rest[:1], d.rest[:1])
	}
	return nil
}

// replace consumes the one and writes the other.
func (d *dialect) replace(consumed, written string) {
	d.rest = d.rest[len(consumed):]
	d.out.WriteString(written)
}

func (d *dialect) escape() {
	pair := d.rest[:min(2, len(d.rest))]
	if pair == `\Z` && !d.inClass {
		d.replace(pair, `\z`)
		return
	}
	d.replace(pair, pair)
}

// classElement keeps an opening bracket literal: Python has no named classes
// and no differences of classes.
func (d *dialect) classElement() {
	switch d.rest[0] {
	case ']':
		d.inClass = false
		d.replace("]", "]")
	case '[':
		d.replace("[", `\[`)
	default:
		d.replace(d.rest[:1], d.rest[:1])
	}
}

// group rewrites named groups, back-references and flags.
func (d *dialect) group() error {
	if strings.HasPrefix(d.rest, "(?P<") {
		d.replace("(?P<", "(?<")
		return nil
	}
	if reference := backReference.FindStringSubmatch(d.rest); reference != nil {
		d.replace(reference[0], `\k<`+reference[1]+`>`)
		return nil
	}
	flags := flagGroup.FindStringSubmatch(d.rest)
	if flags == nil {
		d.replace("(", "(")
		return nil
	}
	if !pythonFlags.MatchString(flags[0]) {
		return fmt.Errorf("%s is not among the flags a, i, L, m, s, u and x", flags[0])
	}
	d.replace(flags[0], flagsOf(flags[1], flags[2], flags[3]))
	return nil
}

// flagsOf is a group of the flags that the engines know; the others ask for
// what they do anyhow.
func flagsOf(on, off, end string) string {
	on = typeFlags.Replace(on)
	if on == "" && off == "" && end == ")" {
		return ""
	}
	return "(?" + on + off + end
}
