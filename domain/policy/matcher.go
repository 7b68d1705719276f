package policy

import "strings"

// matcher is a pattern of registries, repositories, tags and trigger ids:
// "regexp:" and an expression that must match from the start, or a text in which
// * stands for any run of characters. The zero value matches "" alone.
type matcher struct {
	expression *expression
	parts      []string // between the stars
}

// expressionPrefix marks a pattern as a regular expression.
const expressionPrefix = "regexp:"

func newMatcher(text string, compile func(string) (*expression, error)) (matcher, error) {
	if expression, found := strings.CutPrefix(text, expressionPrefix); found {
		e, err := compile(expression)
		return matcher{expression: e}, err
	}
	return matcher{parts: strings.Split(text, "*")}, nil
}

func (m matcher) match(text string, b *timeLimit) (bool, error) {
	if m.expression != nil {
		return m.expression.matchStart(text, b)
	}
	if !b.spend(len(text) + 1) {
		return false, b.err
	}
	return m.matchWildcard(text), nil
}

// exact reports whether the pattern is a text without wildcards.
func (m matcher) exact() bool { return m.expression == nil && len(m.parts) <= 1 }

// prefix is what every text that matches begins with.
func (m matcher) prefix() string {
	if m.expression != nil {
		return m.expression.prefix
	}
	return strings.Join(m.parts[:min(1, len(m.parts))], "")
}

// matchWildcard finds the parts one after the other: the leftmost place of each
// leaves the most for those that follow.
func (m matcher) matchWildcard(text string) bool {
	if m.exact() {
		return strings.Join(m.parts, "") == text
	}
	first, last := m.parts[0], m.parts[len(m.parts)-1]
	if !strings.HasPrefix(text, first) || len(text) < len(first)+len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range m.parts[1 : len(m.parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
