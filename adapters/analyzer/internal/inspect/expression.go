package inspect

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// lineTimeout bounds an expression that needs backtracking, on one line.
const lineTimeout = time.Second

// expression is a configured NAME=regular expression. It applies to bytes, from the
// start of a line. Where the linear engine does not support it (look-around, back
// references), the backtracking one decides, on the few lines that a weaker
// expression matches.
type expression struct {
	text    string          // as configured
	literal []byte          // lower-case text that every match contains; nil if there is none
	linear  *regexp.Regexp  // matches at least what the expression matches; nil if it cannot be derived
	exact   *regexp2.Regexp // nil if linear is the expression itself
}

func compile(text string) (*expression, error) {
	pattern := text
	if _, after, named := strings.Cut(text, "="); named {
		pattern = after
	}
	compiled := &expression{text: text}
	linear, err := regexp.Compile("^(?:" + pattern + ")")
	if err != nil {
		if compiled.exact, err = regexp2.Compile("^(?:"+latin1(pattern)+")", regexp2.None); err != nil {
			return nil, fmt.Errorf("expression %q cannot be read: %w: %w", text, errkind.Invalid, err)
		}
		compiled.exact.MatchTimeout = lineTimeout
		pattern = withoutLookAround(pattern)
		if linear, err = regexp.Compile("^(?:" + pattern + ")"); err != nil {
			return compiled, nil
		}
	}
	compiled.linear, compiled.literal = linear, requiredLiteral(pattern)
	return compiled, nil
}

// lines are the zero-based numbers of the lines that match. folded is the content
// in lower case.
func (e *expression) lines(content, folded []byte) (numbers []int, err error) {
	if len(e.literal) > 0 && !bytes.Contains(folded, e.literal) {
		return nil, nil
	}
	for number := 0; len(content) > 0; number++ {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		content = rest
		matches, err := e.match(line)
		if err != nil {
			return nil, err
		}
		if matches {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

func (e *expression) match(line []byte) (bool, error) {
	if e.linear != nil && !e.linear.Match(line) {
		return false, nil
	}
	if e.exact == nil {
		return true, nil
	}
	matches, err := e.exact.MatchString(latin1(string(line)))
	if err != nil {
		return false, fmt.Errorf("expression %q takes longer than %s on a line: %w", e.text, lineTimeout, errkind.Limit)
	}
	return matches, nil
}

// latin1 makes each byte a character, so that an engine for characters sees bytes.
func latin1(text string) string {
	characters := make([]rune, len(text))
	for i := range len(text) {
		characters[i] = rune(text[i])
	}
	return string(characters)
}

const class = `\[\^?\]?(?:\\.|[^\]\\])*\]` // a bracket that comes first in it is an ordinary character

// patternToken is an escape, a class, a look-ahead or look-behind without groups in
// it, or any other character of a pattern.
var patternToken = regexp.MustCompile(`(?s)\\.|` + class + `|\(\?<?[=!](?:\\.|` + class + `|[^()\\\[])*\)|.`)

// withoutLookAround removes look-ahead and look-behind. They only restrict: the rest
// matches wherever the whole did. One with groups in it stays.
func withoutLookAround(pattern string) string {
	return patternToken.ReplaceAllStringFunc(pattern, func(token string) string {
		if len(token) > 1 && token[0] == '(' {
			return ""
		}
		return token
	})
}

// requiredLiteral is the longest text, in lower case, that every match contains.
func requiredLiteral(pattern string) []byte {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return []byte(longestLiteral(parsed.Simplify()))
}

func longestLiteral(node *syntax.Regexp) (longest string) {
	switch node.Op {
	case syntax.OpLiteral:
		return asciiRun(node.Rune)
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, part := range node.Sub {
			if found := longestLiteral(part); len(found) > len(longest) {
				longest = found
			}
		}
	}
	return longest
}

// asciiRun is the longest run of ASCII characters: only their case can be folded byte
// by byte.
func asciiRun(characters []rune) (longest string) {
	runs := strings.FieldsFunc(string(characters), func(r rune) bool { return r >= 0x80 })
	for _, run := range runs {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return strings.ToLower(longest)
}
