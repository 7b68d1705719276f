package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// argument is a value that a rule gives for a parameter.
type argument struct {
	text string
	at   node
}

// readParams reads and validates the parameters of a rule.
func readParams(o object, gate string, t *Trigger) map[string]string {
	if wrong := o.at("parameters"); wrong.raw != nil {
		wrong.error(problemInvalid, "the key is \"params\"; under this one the conditions of the rule would be ignored")
	}
	given := map[string]argument{}
	for _, n := range o.at("params").items() {
		readParam(n, gate, t, given)
	}
	values := map[string]string{}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		if argument, found := given[p.Name]; found {
			values[p.Name] = argument.text
		} else if p.Required {
			o.error(problemParameterValue, "parameter %q of %s.%s is required%s", p.Name, gate, t.Name, p.example())
		} else if p.Default != "" {
			values[p.Name] = p.Default
		}
	}
	validate(t, given, values)
	return values
}

// readParam adds an argument. The last of one name counts, and null stands for
// one that is not given.
func readParam(n node, gate string, t *Trigger, given map[string]argument) {
	o := n.object()
	if o.fields == nil {
		return
	}
	name := o.at("name")
	text := name.requiredText()
	if text == "" {
		return
	}
	p := t.parameter(text)
	if p == nil {
		name.error(problemParameterName, "%s.%s has no parameter %q; %s", gate, t.Name, text, oneOf(text, t.parameterNames()))
		return
	}
	delete(given, p.Name)
	value := o.at("value")
	if value.missing() {
		return
	}
	if value.raw[0] != '"' {
		value.error(problemParameterValue, "the value of parameter %q must be a JSON string%s", p.Name, quoted(value))
		return
	}
	given[p.Name] = argument{value.text(), value}
}

// quoted shows how a number or a boolean is written as a string.
func quoted(n node) string {
	if n.raw[0] == '{' || n.raw[0] == '[' || len(n.raw) > 40 {
		return ", not " + n.kind()
	}
	return fmt.Sprintf(", write \"%s\"", n.raw)
}

// validate applies the rules of the types, and then those about several
// parameters.
func validate(t *Trigger, given map[string]argument, values map[string]string) {
	faulty := false
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, a := t.parameter(name), given[name]
		if err := a.check(p); err != nil {
			a.at.error(problemParameterValue, "parameter %q: %v%s", name, errkind.Text(err), p.example())
			faulty = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, a := t.parameter(name), given[name]
		if faulty {
			continue
		}
		if err := a.checkAmong(p, values); err != nil {
			a.at.error(problemParameterValue, "parameter %q: %v%s", name, errkind.Text(err), p.example())
		} else if p.hint != nil {
			if text := p.hint(a.text); text != "" {
				a.at.warn(problemIneffective, "parameter %q: %s", name, text)
			}
		}
	}
}

// checkAmong reports what is wrong with the value given those of all parameters.
func (a argument) checkAmong(p *Parameter, all map[string]string) error {
	if p.patternIf != nil && p.patternIf(all) {
		if _, err := a.at.problems.compile(a.text); err != nil {
			return err
		}
	}
	if p.valid != nil {
		return p.valid(a.text, all)
	}
	return nil
}

// check reports what is wrong with the value; nil if it is one of the
// parameter's type.
func (a argument) check(p *Parameter) error {
	if p.Type != Pattern {
		return p.Type.check(a.text, p.Values)
	}
	_, err := a.at.problems.compile(a.text)
	return err
}

var (
	integerText = regexp.MustCompile(`^\s*[0-9]+\s*$`)
	floatText   = regexp.MustCompile(`^\s*-?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*$`)
	// octalText is what int(text, 8) of Python takes, or nothing.
	octalText = regexp.MustCompile(`^(\s*[+-]?(0[oO]_?)?[0-7]+(_[0-7]+)*\s*)?$`)
)

// check reports what is wrong with a value; nil if it is one of the type.
func (t ParameterType) check(value string, allowed []string) error {
	switch t {
	case List:
		return checkList(value)
	case NumberList:
		return checkNumbers(value)
	case Integer:
		return checkInteger(value)
	case Float:
		return checkForm(floatText, value, "a number")
	case Boolean:
		return checkBoolean(value)
	case Enum:
		return checkEnum(value, allowed)
	case Pattern:
		_, err := newExpression(value)
		return err
	case OctalMode:
		return checkForm(octalText, value, "an octal number")
	default:
		return nil
	}
}

func checkForm(form *regexp.Regexp, value, what string) error {
	if !form.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, what)
	}
	return nil
}

func checkList(value string) error {
	if slices.Contains(strings.Split(value, ","), "") {
		return fmt.Errorf("%q is not a comma-separated list without empty elements", value)
	}
	return nil
}

func checkNumbers(value string) error {
	for _, element := range elements(value) {
		if err := checkInteger(element); err != nil {
			return fmt.Errorf("%q is not a comma-separated list of whole numbers: %w", value, err)
		}
	}
	return nil
}

func checkInteger(value string) error {
	if _, err := strconv.Atoi(strings.TrimSpace(value)); err != nil || !integerText.MatchString(value) {
		return fmt.Errorf("%q is not a whole number without a sign", value)
	}
	return nil
}

func checkBoolean(value string) error {
	if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		return fmt.Errorf("%q is not true or false", value)
	}
	return nil
}

func checkEnum(value string, allowed []string) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%q is not accepted; %s", value, oneOf(value, allowed))
	}
	return nil
}

// example is how to give the parameter, as the end of a sentence.
func (p *Parameter) example() string {
	if p.Example == "" {
		return ""
	}
	text, _ := json.Marshal(map[string]string{"name": p.Name, "value": p.Example})
	return ", as in " + string(text)
}
