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

type argument struct {
	text string
	at   node
}

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

// The last argument of one name counts, and null stands for one that is not given.
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
	text = value.text()
	if p.Type == Enum {
		text = canonical(text)
	}
	given[p.Name] = argument{text, value}
}

// quoted shows how a number or a boolean is written as a string.
func quoted(n node) string {
	if n.raw[0] == '{' || n.raw[0] == '[' || len(n.raw) > 40 {
		return ", not " + n.kind()
	}
	return fmt.Sprintf(", write \"%s\"", n.raw)
}

func validate(t *Trigger, given map[string]argument, values map[string]string) {
	names, valid := slices.Sorted(maps.Keys(given)), true
	for _, name := range names {
		p, a := t.parameter(name), given[name]
		if err := a.check(p); err != nil {
			a.at.error(problemParameterValue, "parameter %q: %v%s", name, errkind.Text(err), p.example())
			valid = false
		}
	}
	if !valid {
		return
	}
	for _, name := range names { // several parameters may belong together
		p, a := t.parameter(name), given[name]
		if err := a.checkAmong(p, values); err != nil {
			a.at.error(problemParameterValue, "parameter %q: %v%s", name, errkind.Text(err), p.example())
		} else if p.hint != nil {
			if text := p.hint(a.text); text != "" {
				a.at.warn(problemIneffective, "parameter %q: %s", name, text)
			}
		}
	}
}

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

// check returns an error for a value that is not of the type.
func (t ParameterType) check(value string, allowed []string) error {
	valid, expected := true, ""
	switch t {
	case List:
		valid, expected = !slices.Contains(strings.Split(value, ","), ""), "a comma-separated list without empty elements"
	case NumberList:
		valid, expected = !slices.ContainsFunc(elements(value), func(element string) bool { return !isInteger(element) }), "a comma-separated list of whole numbers without a sign"
	case Integer:
		valid, expected = isInteger(value), "a whole number without a sign"
	case Float:
		valid, expected = floatText.MatchString(value), "a number"
	case Boolean:
		valid, expected = strings.EqualFold(value, "true") || strings.EqualFold(value, "false"), "true or false"
	case Enum:
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%q is not accepted; %s", value, oneOf(value, allowed))
		}
	case OctalMode:
		valid, expected = octalText.MatchString(value), "an octal number"
	}
	if !valid {
		return fmt.Errorf("%q is not %s", value, expected)
	}
	return nil
}

// isInteger rejects numbers that do not fit, too.
func isInteger(value string) bool {
	_, err := strconv.Atoi(strings.TrimSpace(value))
	return err == nil && integerText.MatchString(value)
}

func (p *Parameter) example() string {
	if p.Example == "" {
		return ""
	}
	text, _ := json.Marshal(map[string]string{"name": p.Name, "value": p.Example})
	return ", as in " + string(text)
}
