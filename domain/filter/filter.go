// Package filter compiles and evaluates the expressions by which a subscription or an
// endpoint chooses findings and notifications, in CEL (https://cel.dev).
//
// An expression is compiled and type-checked when it is stored, and its cost is
// bounded then and at each evaluation: it comes from users. What an expression can
// name is listed by [Variables]. A notification without findings, as a tag_update, is
// judged with those that describe a finding left open, and one of a repository with
// those of a tag, too: it is dropped only if the others alone decide so.
package filter

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// The bounds of an expression: its text in bytes, and what one evaluation may cost in
// CEL's units, of which a comparison is about one.
const (
	maxText = 4096
	maxCost = 20_000
)

// cheapCost is the estimate up to which an evaluation is not metered: metering costs
// more than such an evaluation.
const cheapCost = 2_000

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	text string
	// finding judges findings, open notifications without any.
	finding, open cel.Program
	names         map[string]bool // that it has
	thresholds    []float64       // that it compares epss with
}

// compiled are the expressions in use, which the same few receivers name for all
// tags. A full one is begun anew.
var compiled = struct {
	sync.Mutex
	byText map[string]*Expression
}{byText: map[string]*Expression{}}

const maxCompiled = 1000

// Stored is Compile for an expression that was accepted when it was stored.
func Stored(text string) (*Expression, error) {
	compiled.Lock()
	defer compiled.Unlock()
	if e := compiled.byText[text]; e != nil {
		return e, nil
	}
	e, err := Compile(text)
	if err != nil {
		return nil, err
	}
	if len(compiled.byText) >= maxCompiled {
		clear(compiled.byText)
	}
	compiled.byText[text] = e
	return e, nil
}

// environment declares what expressions can name. It is made once: that takes
// milliseconds.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{cel.ClearMacros(), cel.Macros(hasLabel, cel.ExistsMacro, cel.AllMacro)}
	for _, v := range Variables {
		options = append(options, cel.Variable(v.Name, v.kind))
	}
	for i, name := range severities {
		options = append(options, cel.Constant(name, cel.IntType, types.Int(i)))
	}
	return cel.NewEnv(options...)
})

// hasLabel is has(), by which the key itself is found missing, and not its empty text.
var hasLabel = cel.GlobalMacro("has", 1, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.SelectKind {
		return nil, f.NewError(args[0].ID(), "has() is for a label, as has(labels.team)")
	}
	of := args[0].AsSelect()
	return f.NewCall(operators.In, f.NewLiteral(types.String(of.FieldName())), of.Operand()), nil
})

// Compile checks an expression. The error shows the place in it that is wrong.
func Compile(text string) (*Expression, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("the filter has %d bytes, more than %d: %w", len(text), maxText, errkind.Limit)
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("the filter is empty; write one as in: severity >= high || known_exploited: %w", errkind.Invalid)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		at := issues.Errors()[0]
		return nil, fmt.Errorf("filter %q, line %d, column %d: %s; %s: %w", text, at.Location.Line(), at.Location.Column()+1, at.Message, hint, errkind.Invalid)
	}
	if kind := checked.OutputType(); !kind.IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("filter %q has the type %s; it must be true or false, as in: severity >= high: %w", text, kind, errkind.Invalid)
	}
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, fmt.Errorf("filter %q: estimate its cost: %w: %w", text, err, errkind.Invalid)
	}
	if estimate.Max > maxCost {
		return nil, fmt.Errorf("filter %q may cost %d units, more than %d; use fewer nested exists() and all(), or shorter patterns: %w", text, estimate.Max, maxCost, errkind.Limit)
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if estimate.Max > cheapCost {
		options = append(options, cel.CostLimit(maxCost))
	}
	e := &Expression{text: text, names: map[string]bool{}}
	for _, reference := range checked.NativeRep().ReferenceMap() {
		e.names[reference.Name] = true
	}
	e.thresholds = thresholds(checked.NativeRep())
	e.finding, err = env.Program(checked, options...)
	if err == nil {
		e.open, err = env.Program(checked, append(options, cel.EvalOptions(cel.OptPartialEval))...)
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w: %w", text, err, errkind.Invalid)
	}
	return e, nil
}

// CanDrop reports whether a notification of that type may be dropped as a whole: one
// that has more to tell than findings, only for what describes the notification.
func (e *Expression) CanDrop(t notification.Type) bool {
	return t == notification.VulnUpdate || slices.ContainsFunc(Variables, func(v Variable) bool {
		return e.names[v.Name] && !v.OfFinding && (t != notification.RepoUpdate || !v.ofTag)
	})
}

// hint ends the errors about what is not known.
const hint = "severities are bare words (severity >= high); all names: tagwatch filters"

// String is the text of the expression.
func (e *Expression) String() string { return e.text }

// Names reports whether the expression names the variable.
func (e *Expression) Names(variable string) bool { return e.names[variable] }

// Thresholds are the numbers that the expression compares epss with. A score that changes
// without crossing one of them does not change what is selected, unless the expression
// computes with scores.
func (e *Expression) Thresholds() []float64 { return e.thresholds }

// thresholds reads the comparisons. What lies above a number begins with the next one that
// there is.
func thresholds(checked *ast.AST) (found []float64) {
	for _, each := range ast.MatchDescendants(ast.NavigateAST(checked), ast.KindMatcher(ast.CallKind)) {
		call := each.AsCall()
		name, args := call.FunctionName(), call.Args()
		if len(args) != 2 {
			continue
		}
		number, compared := compares(args[0], args[1])
		above := name == operators.Greater || name == operators.LessEquals
		if !compared {
			number, compared = compares(args[1], args[0])
			above = name == operators.Less || name == operators.GreaterEquals
		}
		switch next := math.Nextafter(number, 1); {
		case !compared:
		case name == operators.Equals || name == operators.NotEquals:
			found = append(found, number, next)
		case !slices.Contains([]string{operators.Greater, operators.LessEquals, operators.Less, operators.GreaterEquals}, name):
		case above:
			found = append(found, next)
		default:
			found = append(found, number)
		}
	}
	return found
}

// compares reports whether the terms are epss and a number.
func compares(variable, number ast.Expr) (value float64, is bool) {
	if variable.Kind() != ast.IdentKind || variable.AsIdent() != "epss" || number.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch literal := number.AsLiteral().(type) {
	case types.Double:
		return float64(literal), true
	case types.Int:
		return float64(literal), true
	}
	return 0, false
}

// Matches reports whether the expression selects the finding that the facts describe,
// or the notification if they describe none. The error is that nobody can tell, as of
// an expression that takes the word latest for a number.
func (e *Expression) Matches(f *Facts) (bool, error) {
	value, err := e.evaluate(f)
	if err != nil {
		return false, fmt.Errorf("evaluate filter %q: %w: %w", e.text, err, errkind.Invalid)
	}
	if types.IsUnknown(value) {
		return true, nil // it is about findings, and there is none
	}
	selected, ok := value.Value().(bool)
	if !ok {
		return false, fmt.Errorf("evaluate filter %q: the result is %v: %w", e.text, value, errkind.Invalid)
	}
	return selected, nil
}

// DropsByRating reports, of a finding that the expression does not select, that it
// may have been for its severity, its scores or its fixes: everything else does not
// decide so alone.
func (e *Expression) DropsByRating(f *Facts) (bool, error) {
	value, err := e.leavingOpen(f, slices.Concat(ratingPatterns, e.unplaced(f)))
	return err == nil && value != types.False, err
}

func (e *Expression) evaluate(f *Facts) (ref.Val, error) {
	switch {
	case f.Notification.Type == notification.RepoUpdate:
		return e.leavingOpen(f, tagPatterns)
	case f.Finding == nil:
		return e.leavingOpen(f, findingPatterns)
	}
	if open := e.unplaced(f); open != nil {
		return e.leavingOpen(f, open)
	}
	value, _, err := e.finding.Eval(f)
	return value, err
}

// unplaced are the variables that the expression names of the place of a package, as far
// as that is not known.
func (e *Expression) unplaced(f *Facts) (open []*interpreter.AttributePattern) {
	if e.names["path"] && len(f.place().Paths) == 0 {
		open = append(open, interpreter.NewAttributePattern("path"))
	}
	if e.names["layer"] && f.place().Layer == "" {
		open = append(open, interpreter.NewAttributePattern("layer"))
	}
	return open
}

// place is where the package of the finding is, or was.
func (f *Facts) place() vuln.Place {
	places := f.Notification.Places
	if f.Finding.Change == notification.Removed {
		places = f.Notification.PlacesBefore
	}
	return places[f.Finding.Package]
}

// leavingOpen evaluates as if nothing were known of some variables.
func (e *Expression) leavingOpen(f *Facts, patterns []*interpreter.AttributePattern) (ref.Val, error) {
	partial, err := interpreter.NewPartialActivation(f, patterns...)
	if err != nil {
		return nil, err
	}
	value, _, err := e.open.Eval(partial)
	return value, err
}

var (
	// findingPatterns are the variables that a notification without findings leaves
	// open, tagPatterns those that one of a repository does, and ratingPatterns those
	// that say how bad a finding is and whether it is fixed.
	findingPatterns = patterns(func(v Variable) bool { return v.OfFinding })
	tagPatterns     = patterns(func(v Variable) bool { return v.OfFinding || v.ofTag })
	ratingPatterns  = patterns(func(v Variable) bool { return v.rating })
)

func patterns(of func(Variable) bool) (patterns []*interpreter.AttributePattern) {
	for _, v := range Variables {
		if of(v) {
			patterns = append(patterns, interpreter.NewAttributePattern(v.Name))
		}
	}
	return patterns
}

// sizes bounds what the estimate of a cost has to assume of texts and lists.
type sizes struct{}

func (sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	path := strings.Join(element.Path(), ".")
	for _, v := range Variables {
		if path == v.Name {
			return &cost.SizeEstimate{Max: v.size}
		}
		if strings.HasPrefix(path, v.Name+".") { // an item of it
			return &cost.SizeEstimate{Max: itemSize}
		}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// Facts are what expressions are judged on: all those of the receivers of one
// notification on the same value, which keeps what it has looked up. It is not safe
// for concurrent use.
type Facts struct {
	// Finding is nil for a notification that is not about findings.
	Finding      *Finding
	Notification *Notification

	values [maxVariables]ref.Val
}

// ResolveName is for the evaluation.
func (f *Facts) ResolveName(name string) (any, bool) {
	i, found := indexes[name]
	if !found || Variables[i].OfFinding && f.Finding == nil {
		return nil, false
	}
	if f.values[i] == nil {
		f.values[i] = Variables[i].value(f)
	}
	return f.values[i], true
}

// Parent is for the evaluation.
func (f *Facts) Parent() interpreter.Activation { return nil }
