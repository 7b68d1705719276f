package policy

import (
	"fmt"
	"sync"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// maxExpression is how many bytes an expression may have.
const maxExpression = 4096

// pattern is an expression in use: all patterns of an evaluation share a time limit.
type pattern struct {
	*expression
	timeLimit *timeLimit
}

// matchStart reports whether the expression matches beginning at the first
// character; it need not reach the end. That is re.match of Python.
func (p *pattern) matchStart(s string) (bool, error) { return p.expression.matchStart(s, p.timeLimit) }

// expression is a compiled regular expression of Python's dialect. It is safe for
// concurrent use.
//
// Python's \w, \d, \s and \b are about all of Unicode, and its $ matches also
// before a newline at the end. The linear engine knows neither, but on a plain
// text, as nearly all are, that makes no difference.
type expression struct {
	text  string
	plain *engine
	// general serves all texts; it is compiled when it is needed first.
	general func() (*engine, error)
	// prefix is what every text that matches begins with.
	prefix string
}

// newExpression compiles an expression of Python's dialect.
func newExpression(text string) (*expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("regular expression of %d bytes: at most %d are allowed: %w", len(text), maxExpression, errkind.Invalid)
	}
	e := &expression{text: text}
	plain, err := e.compile(plainTexts)
	if err != nil {
		return nil, err
	}
	e.plain, e.prefix = plain, plain.prefix
	e.general = sync.OnceValues(func() (*engine, error) {
		if general, err := translate(text, allTexts); err == nil && general == plain.text {
			return plain, nil
		}
		return e.compile(allTexts)
	})
	return e, nil
}

func (e *expression) compile(texts textKind) (*engine, error) {
	translated, err := translate(e.text, texts)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q does not compile: %w: %w", e.text, err, errkind.Invalid)
	}
	compiled, err := newEngine(translated)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q does not compile: %w: %w", e.text, err, errkind.Invalid)
	}
	return compiled, nil
}

func (e *expression) matchStart(s string, b *timeLimit) (bool, error) {
	engine := e.plain
	if !isPlain(s) {
		general, err := e.general()
		if err != nil {
			return false, err
		}
		engine = general
	}
	matched, err := engine.match(s, b)
	switch {
	case err == nil:
		return matched, nil
	case b.err != nil:
		return false, b.err
	}
	return false, fmt.Errorf("regular expression %q takes too long on a text of %d bytes, simplify it: %w", e.text, len(s), err)
}

// The engines agree on texts of ASCII that do not end in a newline, and are not empty.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return s != "" && s[len(s)-1] != '\n'
}
