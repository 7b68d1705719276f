package policy

import (
	"bytes"
	"encoding/json"
	"iter"
)

// The functions here take valid JSON apart, one level at a time. A document is
// validated once; to decode it level by level with encoding/json would validate
// it again on each.

// splitObject returns the members of an object, and the names that occur again.
// The last of one name counts.
func splitObject(raw json.RawMessage) (fields map[string]json.RawMessage, repeated []string) {
	fields = map[string]json.RawMessage{}
	for name, value := range membersOf(raw) {
		if _, known := fields[name]; known {
			repeated = append(repeated, name)
		}
		fields[name] = value
	}
	return fields, repeated
}

// membersOf yields the members of an object in their order.
func membersOf(raw json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for i := next(raw, 1); raw[i] != '}'; {
			end := valueEnd(raw, i)
			name := unquote(raw[i:end])
			i = next(raw, next(raw, end)+1) // behind the colon
			end = valueEnd(raw, i)
			if !yield(name, raw[i:end]) {
				return
			}
			i = nextElement(raw, end)
		}
	}
}

// splitArray returns the elements of an array.
func splitArray(raw json.RawMessage) []json.RawMessage {
	var items []json.RawMessage
	for i := next(raw, 1); raw[i] != ']'; {
		end := valueEnd(raw, i)
		items = append(items, raw[i:end])
		i = nextElement(raw, end)
	}
	return items
}

// next is the first position from i on that is not blank.
func next(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r' {
		i++
	}
	return i
}

// nextElement is the position of the element behind the comma, or of the
// closing bracket.
func nextElement(raw []byte, i int) int {
	i = next(raw, i)
	if raw[i] == ',' {
		i = next(raw, i+1)
	}
	return i
}

// valueEnd is the position behind the value that begins at i.
func valueEnd(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return textEnd(raw, i)
	case '{', '[':
		return nestedEnd(raw, i)
	}
	if length := bytes.IndexAny(raw[i:], ",]} \t\r\n"); length >= 0 {
		return i + length
	}
	return len(raw)
}

func textEnd(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func nestedEnd(raw []byte, i int) int {
	for level := 0; ; {
		switch raw[i] {
		case '"':
			i = textEnd(raw, i)
			continue
		case '{', '[':
			level++
		case '}', ']':
			level--
		}
		if i++; level == 0 {
			return i
		}
	}
}

func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // validated with the document
	return text
}
