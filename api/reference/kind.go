package reference

import (
	"fmt"
	"slices"
	"strings"
)

// kind says in words what a value is.
type kind struct {
	Text string
	Link string // the structure that it is or is made of; empty for none
}

// formats are words for the formats of the document.
var formats = map[string]string{"date-time": "time (RFC 3339)", "uri": "URI", "byte": "Base64", "binary": "bytes"}

// types are words for its types.
var types = map[string]string{"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object"}

func (s *schema) kind() kind {
	switch {
	case s == nil:
		return kind{Text: "any value"}
	case s.Ref != "":
		return kind{Link: s.name()}
	case len(s.OneOf) > 0:
		return s.oneOf()
	case s.is("array"):
		return s.Items.kind().after("list of ")
	case s.values() != nil:
		return s.values().kind().after("values by name, each ")
	case s.is("string") && formats[s.Format] != "":
		return kind{Text: formats[s.Format]}
	}
	for _, each := range s.Type {
		if word := types[each]; word != "" {
			return kind{Text: word}
		}
	}
	return kind{Text: "any value"}
}

func (s *schema) is(name string) bool { return slices.Contains(s.Type, name) }

// oneOf is the first choice that is not null.
func (s *schema) oneOf() kind {
	for _, each := range s.OneOf {
		if !each.is("null") {
			return each.kind()
		}
	}
	return kind{Text: "any value"}
}

func (k kind) after(text string) kind { return kind{text + k.Text, k.Link} }

// limits says in words what a value is limited to.
func (s *schema) limits() string {
	var parts []string
	add := func(format string, arguments ...any) { parts = append(parts, fmt.Sprintf(format, arguments...)) }
	if s == nil {
		return ""
	}
	if len(s.Enum) > 0 {
		add("one of %s", list(s.Enum))
	}
	if s.MaxLength != nil {
		add("up to %d characters", *s.MaxLength)
	}
	if s.MinItems != nil && *s.MinItems > 0 {
		add("at least %d", *s.MinItems)
	}
	if s.MaxItems != nil {
		add("up to %d", *s.MaxItems)
	}
	if s.Maximum != nil {
		add("up to %.0f", *s.Maximum)
	}
	if len(s.Examples) > 0 {
		add("as in %s", list(s.Examples))
	}
	return strings.Join(parts, "; ")
}

func list(values []any) string {
	words := make([]string, len(values))
	for i, each := range values {
		words[i] = fmt.Sprint(each)
	}
	return strings.Join(words, ", ")
}
