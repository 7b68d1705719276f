package policy

import (
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Problem is what is wrong with a bundle, or what went wrong in an evaluation.
type Problem struct {
	// Path leads to the place in the bundle, as in
	// "policies[0].rules[2].params[1].value"; "" for the bundle as a whole.
	Path     string   `json:"path,omitempty"`
	Severity Severity `json:"severity"`
	// Type is the name of Anchore's error class, where there is one.
	Type    string `json:"problem_type"`
	Details string `json:"details"`
}

// Severity reports whether a problem forbids the use of what has it.
type Severity string

// The severities of problems.
const (
	Error   Severity = "error"
	Warning Severity = "warn"
)

// The types of problems.
const (
	problemInvalid         = "ValidationError"
	problemVersion         = "UnsupportedVersionError"
	problemReference       = "ReferencedObjectNotFoundError"
	problemDuplicate       = "DuplicateIdentifierFoundError"
	problemGate            = "GateNotFoundError"
	problemTrigger         = "TriggerNotFoundError"
	problemAction          = "InvalidGateAction"
	problemParameterName   = "InvalidParameterError"
	problemParameterValue  = "ParameterValueInvalidError"
	problemRetired         = "EndOfLifedError"
	problemExpression      = "RegularExpressionError"
	problemIneffective     = "IneffectiveRuleWarning"
	problemEvaluation      = "TriggerEvaluationError"
	problemTooManyRows     = "RowLimitExceededError"
	problemTooMuchWork     = "TimeLimitExceededError"
	problemImageIncomplete = "ImageNotAnalyzedError"
	problemNoMapping       = "NoMappingMatchedWarning"
)

// String is the problem in one line.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s: %s", p.Severity, p.Details)
	}
	return fmt.Sprintf("%s: %s: %s", p.Severity, p.Path, p.Details)
}

// Valid reports whether none of the problems is an error.
func Valid(problems []Problem) bool { return len(errorsOf(problems)) == 0 }

func errorsOf(problems []Problem) []Problem {
	var found []Problem
	for _, p := range problems {
		if p.Severity == Error {
			found = append(found, p)
		}
	}
	return found
}

// maxProblems is how many errors, and how many warnings, a report contains at most.
const maxProblems = 500

// problems collects what is wrong with a bundle.
type problems struct {
	list             []Problem
	errors, warnings int
	// expressions are the regular expressions by their texts, and size what they
	// take of memory, in instructions.
	expressions map[string]*expression
	size        int
	// keys are what the document calls keys that it calls otherwise than Anchore
	// Engine; nil for none.
	keys map[string]string
	// lenient turns errors into warnings: no mapping reaches the part in hand.
	lenient bool
}

func newProblems() *problems { return &problems{expressions: map[string]*expression{}} }

func (p *problems) error(path, kind, format string, args ...any) {
	if p.lenient {
		p.warn(path, kind, format+"; no mapping uses it, so it has no effect", args...)
		return
	}
	if p.errors++; p.errors <= maxProblems {
		p.list = append(p.list, Problem{path, Error, kind, fmt.Sprintf(format, args...)})
	}
}

func (p *problems) warn(path, kind, format string, args ...any) {
	if p.warnings++; p.warnings <= maxProblems {
		p.list = append(p.list, Problem{path, Warning, kind, fmt.Sprintf(format, args...)})
	}
}

// maxKept is how many instructions the expressions of a bundle may have
// together; each takes some 50 bytes.
const maxKept = 1_000_000

var errTogether = fmt.Errorf("the bundle's regular expressions are too large together, use wildcards or smaller repetitions: %w", errkind.Limit)

// compile compiles an expression, once for all places where it stands, if there
// is room for it.
func (p *problems) compile(text string) (*expression, error) {
	if known := p.expressions[text]; known != nil {
		return known, nil
	}
	e, err := newExpression(text)
	if err != nil {
		return nil, err
	}
	if p.size += e.plain.size(); p.size > maxKept {
		return nil, errTogether
	}
	p.expressions[text] = e
	return e, nil
}

// faults are the errors that f meets.
func (p *problems) faults(f func()) []Problem {
	before := len(p.list)
	f()
	return errorsOf(p.list[before:])
}

// close ends the report with what it leaves out.
func (p *problems) close() []Problem {
	if p.errors > maxProblems {
		p.list = append(p.list, Problem{"", Error, problemInvalid, fmt.Sprintf("%d errors, of which the first %d are listed", p.errors, maxProblems)})
	}
	if p.warnings > maxProblems {
		p.list = append(p.list, Problem{"", Warning, problemInvalid, fmt.Sprintf("%d warnings, of which the first %d are listed", p.warnings, maxProblems)})
	}
	return p.list
}
