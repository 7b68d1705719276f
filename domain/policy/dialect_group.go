package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// flags of an expression.
type flags int

const (
	ignoreCase flags = 1 << iota
	multiline
	dotAll
	verbose
	asciiOnly
	unicodeText // the default
)

var flagLetters = map[rune]flags{
	'i': ignoreCase, 'm': multiline, 's': dotAll, 'x': verbose, 'a': asciiOnly, 'u': unicodeText,
}

func (on flags) group(off flags, end string) string {
	letters := func(f flags) string {
		var text string
		for _, letter := range "ims" {
			if f&flagLetters[letter] != 0 {
				text += string(letter)
			}
		}
		return text
	}
	text := letters(on)
	if turnedOff := letters(off); turnedOff != "" {
		text += "-" + turnedOff
	}
	if text == "" && end == ")" {
		return ""
	}
	return "(?" + text + end
}

var (
	namedGroup     = regexp.MustCompile(`^\(\?P<([A-Za-z_][A-Za-z0-9_]*)>`)
	namedReference = regexp.MustCompile(`^\(\?P=([A-Za-z_][A-Za-z0-9_]*)\)`)
	conditional    = regexp.MustCompile(`^\(\?\(([A-Za-z0-9_]+)\)`)
	lookAround     = regexp.MustCompile(`^\(\?<?[=!]`)
	flagGroup      = regexp.MustCompile(`^\(\?([A-Za-z]*)(-[A-Za-z]*)?([:)])`)
)

// group translates what a parenthesis begins.
func (d *dialect) group() error {
	if !strings.HasPrefix(d.rest, "(?") {
		d.capture(1)
		return nil
	}
	if strings.HasPrefix(d.rest, "(?#") {
		_, after, closed := strings.Cut(d.rest, ")")
		d.rest = after
		return unless(closed, "a comment is not closed")
	}
	if found := namedGroup.FindStringSubmatch(d.rest); found != nil {
		return d.captureAs(found[1], len(found[0]))
	}
	if found := namedReference.FindStringSubmatch(d.rest); found != nil {
		return d.reference(d.names[found[1]], len(found[0]))
	}
	if found := conditional.FindStringSubmatch(d.rest); found != nil {
		return d.condition(found[1], len(found[0]))
	}
	if found := lookAround.FindString(d.rest); found != "" {
		d.openGroup(0)
		d.replace(len(found), found)
		return nil
	}
	if found := flagGroup.FindStringSubmatch(d.rest); found != nil {
		return d.flagGroup(found)
	}
	return fmt.Errorf("invalid group %.4q", d.rest)
}

func unless(fine bool, otherwise string) error {
	if fine {
		return nil
	}
	return errors.New(otherwise)
}

func (d *dialect) openGroup(number int) { d.open = append(d.open, open{d.flags, number}) }

func (d *dialect) closeGroup() error {
	if len(d.open) == 0 {
		return errors.New("unbalanced closing parenthesis")
	}
	last := len(d.open) - 1
	d.flags, d.open = d.open[last].flags, d.open[:last]
	d.replace(1, ")")
	return nil
}

// capture names the group by its number in Python. A group that nothing refers to does
// not capture, so that the linear engine can run it.
func (d *dialect) capture(consumed int) {
	d.groups++
	d.openGroup(d.groups)
	if d.references {
		d.replace(consumed, "(?<"+numberedGroup(d.groups)+">")
		return
	}
	d.replace(consumed, "(?:")
}

func (d *dialect) captureAs(name string, consumed int) error {
	if d.names[name] > 0 {
		return fmt.Errorf("the group %q occurs twice", name)
	}
	d.names[name] = d.groups + 1
	d.capture(consumed)
	return nil
}

func numberedGroup(number int) string { return "g" + strconv.Itoa(number) }

func (d *dialect) reference(number, consumed int) error {
	if err := d.refer(number, d.groups); err != nil {
		return err
	}
	for _, group := range d.open {
		if group.number == number {
			return fmt.Errorf("group %d is referred to within itself", number)
		}
	}
	d.replace(consumed, `\k<`+numberedGroup(number)+">")
	return nil
}

func (d *dialect) refer(number, last int) error {
	if number < 1 || number > last {
		return fmt.Errorf("%.6q refers to a group that does not exist", d.rest)
	}
	if !d.references {
		d.references = true
		return errAgain
	}
	return nil
}

func (d *dialect) condition(group string, consumed int) error {
	number, err := strconv.Atoi(group)
	if err != nil {
		number = d.names[group]
	} else {
		d.ahead = max(d.ahead, number) // the group may begin later
	}
	if err := d.refer(number, max(d.groups, d.ahead)); err != nil {
		return err
	}
	d.openGroup(0)
	d.replace(consumed, "(?("+numberedGroup(number)+")")
	return nil
}

// flagGroup is (?flags), which applies to the whole expression, or (?flags:...).
func (d *dialect) flagGroup(found []string) error {
	on, err := readFlags(found[1], "aimsux")
	if err != nil {
		return err
	}
	off, err := readFlags(strings.TrimPrefix(found[2], "-"), "imsx")
	if err != nil {
		return err
	}
	scoped := found[3] == ":"
	switch {
	case on&off != 0, on&asciiOnly != 0 && on&unicodeText != 0:
		return fmt.Errorf("the flags of %s contradict each other", found[0])
	case found[2] == "-", !scoped && (on == 0 || off != 0):
		return fmt.Errorf("the flags of %s are not complete", found[0])
	case !scoped && d.global|on != d.global:
		d.global |= on
		return errAgain
	case !scoped:
		d.replace(len(found[0]), "")
		return nil
	}
	d.openGroup(0)
	if on&unicodeText != 0 {
		d.flags &^= asciiOnly
	}
	d.flags = d.flags&^off | on
	d.replace(len(found[0]), on.group(off, ":"))
	return nil
}

func readFlags(letters, allowed string) (flags, error) {
	var all flags
	for _, letter := range letters {
		if !strings.ContainsRune(allowed, letter) {
			return 0, fmt.Errorf("%q is not among the flags %s", letter, strings.Join(strings.Split(allowed, ""), ", "))
		}
		all |= flagLetters[letter]
	}
	return all, nil
}
