package source

import (
	"slices"
	"strings"
)

// Syntax is how a kind of file writes variables.
type Syntax struct {
	// Escape is what stands before a dollar that is meant as such: the dollar itself in
	// Compose files, a backslash or a backquote in Dockerfiles.
	Escape byte
}

// Expand puts the values of variables in their places: $NAME, ${NAME} and the forms
// with a default (:- and -), an alternative (:+ and +) and a requirement (:? and ?).
// A variable without a value stays as ${NAME}.
func (s Syntax) Expand(text string, lookup func(string) (string, bool)) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == s.Escape && i+1 < len(text) && text[i+1] == '$':
			out.WriteByte('$')
			i++
		case text[i] != '$' || i+1 == len(text):
			out.WriteByte(text[i])
		case text[i+1] == '{':
			end := closing(text[i+1:])
			if end < 0 {
				out.WriteString(text[i:])
				return out.String()
			}
			out.WriteString(s.braced(text[i+2:i+1+end], lookup))
			i += 1 + end
		default:
			name := nameAt(text[i+1:])
			if name == "" {
				out.WriteByte('$')
				continue
			}
			out.WriteString(valueOf(name, lookup))
			i += len(name)
		}
	}
	return out.String()
}

// braced is the value of what stands between ${ and }.
func (s Syntax) braced(text string, lookup func(string) (string, bool)) string {
	name := nameAt(text)
	rest := text[len(name):]
	if name == "" || rest == "" {
		return valueOf(name, lookup)
	}
	value, found := lookup(name)
	if strings.HasPrefix(rest, ":") {
		rest, found = rest[1:], found && value != ""
	}
	if rest == "" {
		return "${" + text + "}"
	}
	word := rest[1:]
	switch rest[0] {
	case '-':
		if !found {
			return s.Expand(word, lookup)
		}
		return value
	case '+':
		if found {
			return s.Expand(word, lookup)
		}
		return ""
	case '?':
		if !found {
			return "${" + name + "}"
		}
		return value
	case '#', '%':
		if found && !strings.ContainsAny(word, "*?[") { // patterns are shells' to match
			long := strings.TrimPrefix(word, rest[:1])
			if rest[0] == '#' {
				return strings.TrimPrefix(value, long)
			}
			return strings.TrimSuffix(value, long)
		}
	}
	return "${" + name + "}"
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
