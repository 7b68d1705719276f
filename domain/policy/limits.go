package policy

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Limits on a bundle's document.
const (
	maxBundle = 8 << 20 // bytes
	maxDepth  = 64      // levels of nesting
)

// checkDocument tells why the text cannot be a bundle's document; nil if it can.
func checkDocument(raw []byte) error {
	switch {
	case len(raw) > maxBundle:
		return fmt.Errorf("the document has %d bytes, at most %d are allowed", len(raw), maxBundle)
	case !utf8.Valid(raw):
		return fmt.Errorf("the document is not encoded in UTF-8")
	case depth(raw) > maxDepth:
		return fmt.Errorf("the document nests more than %d levels deep", maxDepth)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return fmt.Errorf("the document is not JSON: %w%s", err, lineOf(raw, err))
	}
	return nil
}

// lineOf names the line of a syntax error, "" if the error tells no place.
func lineOf(raw []byte, err error) string {
	syntax, ok := err.(*json.SyntaxError)
	if !ok {
		return ""
	}
	line := 1
	for _, b := range raw[:min(len(raw), int(syntax.Offset))] {
		if b == '\n' {
			line++
		}
	}
	return fmt.Sprintf(" (line %d)", line)
}

// depth counts the levels of brackets outside strings.
func depth(raw []byte) (deepest int) {
	level, quoted, escaped := 0, false, false
	for _, b := range raw {
		switch {
		case escaped:
			escaped = false
		case quoted && b == '\\':
			escaped = true
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			level++
			deepest = max(deepest, level)
		case b == '}' || b == ']':
			level--
		}
	}
	return deepest
}
