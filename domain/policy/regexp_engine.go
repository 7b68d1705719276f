package policy

import (
	"math/bits"
	"regexp"
	"regexp/syntax"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Limits that make every match end in bounded time, whoever wrote the expression
// and whatever it is applied to.
const (
	maxInstructions = 5_000         // of an expression, linear engine
	maxWork         = 1_000_000_000 // instructions times bytes of one match, linear engine
	maxBacktracked  = 256 << 10     // bytes of a text, backtracking engine
	matchTimeout    = time.Second   // of one match, backtracking engine
)

// engine runs a translated expression: on the linear engine where that knows the
// syntax, else (look-around, back-references) on the backtracking one.
type engine struct {
	text         string
	linear       *regexp.Regexp
	instructions int // of the linear program, about
	backtracking *regexp2.Regexp
	prefix       string // of every text that matches
}

func newEngine(text string) (*engine, error) {
	e := &engine{text: text}
	if e.compileLinear() {
		return e, nil
	}
	var err error
	if e.backtracking, err = regexp2.Compile(text, regexp2.None); err != nil {
		return nil, err
	}
	e.backtracking.MatchTimeout = matchTimeout
	return e, nil
}

// compileLinear reports whether the linear engine takes the expression. One that
// repetitions blow up is left to the other engine, which counts them instead.
func (e *engine) compileLinear() bool {
	parsed, err := syntax.Parse(e.text, syntax.Perl)
	if err != nil {
		return false
	}
	if e.instructions = instructions(parsed); e.instructions > maxInstructions {
		return false
	}
	e.prefix = literalPrefix(parsed)
	e.linear, err = regexp.Compile(e.text)
	return err == nil
}

// size is about what the engine takes of memory, in instructions.
func (e *engine) size() int {
	if e.linear != nil {
		return e.instructions
	}
	return len(e.text)
}

// instructions estimates the size of the program, in which repetitions are
// written out. A class costs as much as a search among its ranges.
func instructions(re *syntax.Regexp) int {
	size := 1 + bits.Len(uint(len(re.Rune)))
	if re.Op == syntax.OpLiteral {
		size = 1 + len(re.Rune)
	}
	for _, part := range re.Sub {
		size += instructions(part)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Max, re.Min+1)
	}
	return min(size, 2*maxInstructions)
}

// literalPrefix is the text that every match begins with, as far as it is written
// at the beginning of the expression.
func literalPrefix(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture:
		return literalPrefix(re.Sub[0])
	case syntax.OpConcat:
		for _, part := range re.Sub {
			if part.Op != syntax.OpBeginText && part.Op != syntax.OpEmptyMatch {
				return literalPrefix(part)
			}
		}
	}
	return ""
}

// match reports whether the expression, which is anchored at the beginning, matches.
// The error is errkind.Limit.
func (e *engine) match(s string, b *timeLimit) (bool, error) {
	if e.linear == nil {
		return e.matchBacktracking(s, b)
	}
	work := (len(s) + 1) * e.instructions
	if work > maxWork || !b.spend(work) {
		return false, errkind.Limit
	}
	return e.linear.MatchString(s), nil
}

// matchBacktracking drops the engine's error: there is but one, and its text
// holds all of s.
func (e *engine) matchBacktracking(s string, b *timeLimit) (bool, error) {
	if len(s) > maxBacktracked || !b.spend(clockInterval) {
		return false, errkind.Limit
	}
	matched, err := e.backtracking.MatchString(s)
	if err != nil {
		return false, errkind.Limit
	}
	return matched, nil
}
