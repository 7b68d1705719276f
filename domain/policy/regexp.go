package policy

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// Limits that make every expression end in bounded time, whoever wrote it and
// whatever it is applied to.
const (
	maxExpression   = 4096          // bytes of an expression
	maxInstructions = 5_000         // of an expression, linear engine
	maxWork         = 1_000_000_000 // instructions times bytes of one match, linear engine
	maxBacktracked  = 256 << 10     // bytes of a text, backtracking engine
	matchTimeout    = time.Second   // of one match, backtracking engine
)

// pattern is an expression in use: all patterns of an evaluation share a budget.
type pattern struct {
	*expression
	budget *budget
}

// matchStart tells whether the expression matches beginning at the first
// character; it need not reach the end. That is re.match of Python.
func (p *pattern) matchStart(s string) (bool, error) { return p.expression.matchStart(s, p.budget) }

// expression is a compiled regular expression. It runs on the linear engine
// where that knows the syntax, else (look-around, back-references) on the
// backtracking one. It is safe for concurrent use.
type expression struct {
	text         string
	linear       *regexp.Regexp
	instructions int // of the linear program, about
	backtracking *regexp2.Regexp
}

// newExpression compiles an expression of Python's dialect.
func newExpression(text string) (*expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("regular expression of %d bytes: at most %d are allowed: %w", len(text), maxExpression, fault.Invalid)
	}
	translated, err := translate(text)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w: %w", text, err, fault.Invalid)
	}
	e := &expression{text: text}
	if e.compileLinear(translated) {
		return e, nil
	}
	e.backtracking, err = regexp2.Compile(translated, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q does not compile: %w: %w", text, err, fault.Invalid)
	}
	e.backtracking.MatchTimeout = matchTimeout
	return e, nil
}

// compileLinear tells whether the linear engine takes the expression. One that
// repetitions blow up is left to the other engine, which counts them instead.
func (e *expression) compileLinear(text string) bool {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return false
	}
	if e.instructions = instructions(parsed); e.instructions > maxInstructions {
		return false
	}
	e.linear, err = regexp.Compile(text)
	return err == nil
}

// instructions estimates the size of the program, in which repetitions are
// written out.
func instructions(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/2
	for _, part := range re.Sub {
		size += instructions(part)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Max, re.Min+1)
	}
	return min(size, 2*maxInstructions)
}

func (e *expression) matchStart(s string, b *budget) (bool, error) {
	if e.linear != nil {
		return e.matchLinear(s, b)
	}
	return e.matchBacktracking(s, b)
}

func (e *expression) matchLinear(s string, b *budget) (bool, error) {
	work := (len(s) + 1) * e.instructions
	if work > maxWork || !b.spend(work) {
		return false, e.tooSlow(s)
	}
	return e.linear.MatchString(s), nil
}

// matchBacktracking drops the engine's error: there is but one, and its text
// holds all of s.
func (e *expression) matchBacktracking(s string, b *budget) (bool, error) {
	if len(s) > maxBacktracked || !b.spend(clockInterval) {
		return false, e.tooSlow(s)
	}
	matched, err := e.backtracking.MatchString(s)
	if err != nil {
		return false, e.tooSlow(s)
	}
	return matched, nil
}

func (e *expression) tooSlow(s string) error {
	return fmt.Errorf("regular expression %q takes too long on a text of %d bytes, simplify it: %w", e.text, len(s), fault.Limit)
}
