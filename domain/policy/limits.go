package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Limits on a bundle's document.
const (
	maxBundle = 8 << 20 // bytes
	maxDepth  = 64      // levels of nesting
)

// checkDocument reports why the text cannot be a bundle's document; nil if it can.
func checkDocument(raw []byte) error {
	switch {
	case len(raw) > maxBundle:
		return fmt.Errorf("the document has %d bytes, at most %d are allowed", len(raw), maxBundle)
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return errors.New("the document begins with a byte order mark, save it as UTF-8 without one")
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return errors.New("the document is encoded in UTF-16, save it as UTF-8")
	case !utf8.Valid(raw):
		return errors.New("the document is not encoded in UTF-8")
	case depth(raw) > maxDepth:
		return fmt.Errorf("the document nests more than %d levels deep", maxDepth)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return fmt.Errorf("the document is not JSON: %w%s", err, lineOf(raw, err))
	}
	return checkWrapper(whole)
}

// checkWrapper reports a bundle within the record that Anchore Engine keeps it
// in, as its API and its command line export it.
func checkWrapper(raw json.RawMessage) error {
	key, raw := "policybundle", bytes.TrimSpace(raw)
	if raw[0] == '[' {
		if records := splitArray(raw); len(records) == 1 {
			key, raw = "[0].policybundle", records[0]
		}
	}
	if raw[0] != '{' {
		return nil
	}
	fields, _ := splitObject(raw)
	if fields["policybundle"] == nil || fields["policies"] != nil {
		return nil
	}
	return fmt.Errorf("the document is a record that holds a bundle, as Anchore Engine exports it: give the value of %q alone, as with jq .%s", key, key)
}

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
