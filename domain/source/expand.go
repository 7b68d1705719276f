package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Syntax is how the variables of one document are written.
type Syntax struct {
	// Escape is what stands before a dollar that is meant as such: the dollar itself in
	// Compose files, a backslash or a backquote in Dockerfiles.
	Escape byte

	filled int // bytes of values that were put in
}

const (
	// mostFilled bounds the values in one document, in bytes: variables that are made of
	// others double with each line.
	mostFilled = 4 << 20
	// deepest is how many defaults may stand within one another.
	deepest = 32
)

// Expand puts the values of variables in their places: $NAME, ${NAME} and the forms
// with a default (:- and -), an alternative (:+ and +) and a requirement (:? and ?).
// A variable without a value stays as ${NAME}.
func (s *Syntax) Expand(text string, lookup func(string) (string, bool)) (string, error) {
	return s.expand(text, lookup, 0)
}

func (s *Syntax) expand(text string, lookup func(string) (string, bool), depth int) (string, error) {
	if depth > deepest {
		return "", fmt.Errorf("more than %d variables stand within one another: %w", deepest, errkind.Limit)
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		var value string
		var err error
		switch {
		case text[i] == s.Escape && i+1 < len(text) && text[i+1] == '$':
			out.WriteByte('$')
			i++
			continue
		case text[i] != '$' || i+1 == len(text):
			out.WriteByte(text[i])
			continue
		case text[i+1] == '{':
			end := closing(text[i+1:])
			if end < 0 {
				out.WriteString(text[i:])
				return out.String(), nil
			}
			value, err = s.braced(text[i+2:i+1+end], lookup, depth)
			i += 1 + end
		default:
			name := nameAt(text[i+1:])
			if name == "" {
				out.WriteByte('$')
				continue
			}
			value = valueOf(name, lookup)
			i += len(name)
		}
		if err != nil {
			return "", err
		}
		if s.filled += len(value); s.filled > mostFilled {
			return "", fmt.Errorf("the values of its variables have more than %d MiB: %w", mostFilled>>20, errkind.Limit)
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

// braced is the value of what stands between ${ and }.
func (s *Syntax) braced(text string, lookup func(string) (string, bool), depth int) (string, error) {
	name := nameAt(text)
	rest := text[len(name):]
	if name == "" || rest == "" {
		return valueOf(name, lookup), nil
	}
	value, found := lookup(name)
	if strings.HasPrefix(rest, ":") {
		rest, found = rest[1:], found && value != ""
	}
	if rest == "" {
		return "${" + text + "}", nil
	}
	word := rest[1:]
	switch rest[0] {
	case '-':
		if !found {
			return s.expand(word, lookup, depth+1)
		}
		return value, nil
	case '+':
		if found {
			return s.expand(word, lookup, depth+1)
		}
		return "", nil
	case '?':
		if !found {
			return "${" + name + "}", nil
		}
		return value, nil
	case '#', '%':
		if found && !strings.ContainsAny(word, "*?[") { // patterns are shells' to match
			long := strings.TrimPrefix(word, rest[:1])
			if rest[0] == '#' {
				return strings.TrimPrefix(value, long), nil
			}
			return strings.TrimSuffix(value, long), nil
		}
	}
	return "${" + name + "}", nil
}

func valueOf(name string, lookup func(string) (string, bool)) string {
	if value, found := lookup(name); found && name != "" {
		return value
	}
	return "${" + name + "}"
}

// closing is where the brace that a text begins with is closed; -1 if it is not.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// nameAt is the name of a variable that a text begins with.
func nameAt(text string) string {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return text[:i]
		}
	}
	return text
}

// Variables are the names of the variables that a text has left, in order.
func Variables(text string) (names []string) {
	for {
		_, rest, found := strings.Cut(text, "$")
		if !found {
			return names
		}
		text = rest
		if name := nameAt(strings.TrimPrefix(rest, "{")); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
}
