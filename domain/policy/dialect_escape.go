package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

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

// On the linear engine, \b and \B are about words of ASCII.
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

var namedCharacters = map[byte]rune{'a': '\a', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escapedRune is the one character that a backslash and what follows stand for,
// and how many bytes they are.
func escapedRune(text string, inClass bool) (r rune, size int, err error) {
	if len(text) < 2 {
		return 0, 0, errors.New("a backslash ends the expression")
	}
	letter := text[1]
	named, isNamed := namedCharacters[letter]
	switch {
	case isNamed:
		return named, 2, nil
	case letter == 'b' && inClass:
		return '\b', 2, nil
	case letter == 'x':
		return numberedRune(text, 2, 16, 2)
	case letter == 'u':
		return numberedRune(text, 2, 16, 4)
	case letter == 'U':
		return numberedRune(text, 2, 16, 8)
	case letter >= '0' && letter <= '7':
		length := 1
		for length < 3 && 1+length < len(text) && isOctal(text[1+length:2+length]) {
			length++
		}
		return numberedRune(text, 1, 8, length)
	case letter >= 'a' && letter <= 'z', letter >= 'A' && letter <= 'Z', letter >= '0' && letter <= '9':
		return 0, 0, fmt.Errorf(`unknown escape \%c`, letter)
	}
	r, size = utf8.DecodeRuneInString(text[1:])
	return r, 1 + size, nil
}

// numberedRune reads so many digits from a position on.
func numberedRune(text string, from, base, length int) (r rune, size int, err error) {
	if len(text) < from+length {
		return 0, 0, fmt.Errorf("%.6q is not a character", text)
	}
	number, err := strconv.ParseUint(text[from:from+length], base, 32)
	if err != nil || number > utf8.MaxRune || base == 8 && number > 0o377 || number >= firstSurrogate && number <= lastSurrogate {
		return 0, 0, fmt.Errorf("%.10q is not a character", text)
	}
	return rune(number), from + length, nil
}
