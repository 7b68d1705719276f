package policy

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// classText is what \w, \d or \s stands for, within brackets.
func (d *dialect) classText(letter byte) string {
	ascii := d.flags&asciiOnly != 0
	switch {
	case letter == 's' && ascii:
		return "\t-\r "
	case letter == 's' && d.texts == plainTexts:
		return "\t-\r\x1c- "
	case letter == 's':
		return "\t-\r\x1c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
	case letter == 'd' && (ascii || d.texts == plainTexts):
		return "0-9"
	case letter == 'd':
		return `\p{Nd}`
	case ascii || d.texts == plainTexts:
		return "0-9A-Z_a-z"
	}
	return `\p{L}\p{N}_`
}

// complement is what \W, \D or \S stands for, within brackets, where it can only
// be written as the ranges that are left.
func (d *dialect) complement(letter byte) string {
	class, err := syntax.Parse("[^"+d.classText(letter)+"]", syntax.Perl)
	if err != nil {
		return "" // impossible: the texts are constants
	}
	var text strings.Builder
	for i := 0; i+1 < len(class.Rune); i += 2 {
		writeRange(&text, class.Rune[i], class.Rune[i+1])
	}
	return text.String()
}

// The code points that are not characters.
const (
	firstSurrogate = 0xd800
	lastSurrogate  = 0xdfff
)

// writeRange omits surrogates, which no text can contain.
func writeRange(text *strings.Builder, low, high rune) {
	if low < firstSurrogate && high > lastSurrogate {
		writeRange(text, low, firstSurrogate-1)
		low = lastSurrogate + 1
	}
	text.WriteString(quoteRune(low))
	if high > low {
		text.WriteString("-" + quoteRune(high))
	}
}

// An opening bracket in a class is a character: Python has no named classes and no
// differences of classes.
func (d *dialect) class() error {
	d.replace(1, "[")
	if strings.HasPrefix(d.rest, "^") {
		d.replace(1, "^")
	}
	for first := true; ; first = false {
		if strings.HasPrefix(d.rest, "]") && !first {
			d.replace(1, "]")
			return nil
		}
		if err := d.classMember(); err != nil {
			return err
		}
	}
}

func (d *dialect) classMember() error {
	set, low, err := d.classElement()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(d.rest, "-") || strings.HasPrefix(d.rest, "-]") {
		d.out.WriteString(set)
		if set == "" {
			d.out.WriteString(quoteRune(low))
		}
		return nil
	}
	d.rest = d.rest[1:]
	end, high, err := d.classElement()
	switch {
	case err != nil:
		return err
	case set != "" || end != "" || high < low:
		return fmt.Errorf("a range that ends before %.6q is not one of characters", d.rest)
	}
	var text strings.Builder
	writeRange(&text, low, high)
	d.out.WriteString(text.String())
	return nil
}

func (d *dialect) classElement() (set string, single rune, err error) {
	if d.rest == "" {
		return "", 0, errors.New("a bracket is not closed")
	}
	if d.rest[0] != '\\' {
		r, size := utf8.DecodeRuneInString(d.rest)
		d.rest = d.rest[size:]
		return "", r, nil
	}
	if len(d.rest) > 1 {
		letter := d.rest[1]
		switch letter {
		case 'd', 's', 'w':
			d.rest = d.rest[2:]
			return d.classText(letter), 0, nil
		case 'D', 'S', 'W':
			d.rest = d.rest[2:]
			return d.complement(letter | 0x20), 0, nil
		}
	}
	r, size, err := escapedRune(d.rest, true)
	if err == nil {
		d.rest = d.rest[size:]
	}
	return "", r, err
}
