package policy

// GateSpec describes a gate in the shape of Anchore Engine's policy_spec.
type GateSpec struct {
	Name        string        `json:"name"`
	Description string        `json:"description"`
	State       string        `json:"state"`         // active or eol
	Successor   *string       `json:"superceded_by"` // the misspelling is Anchore's
	Triggers    []TriggerSpec `json:"triggers"`
	Addition    bool          `json:"addition,omitempty"` // Anchore Engine does not have it
}

// TriggerSpec describes a trigger.
type TriggerSpec struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	State       string          `json:"state"`
	Successor   *string         `json:"superceded_by"`
	Parameters  []ParameterSpec `json:"parameters"`
	Addition    bool            `json:"addition,omitempty"`
}

// ParameterSpec describes a parameter. The validator is a JSON schema of its
// value, which is always a string.
type ParameterSpec struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Example     string         `json:"example"`
	State       string         `json:"state"`
	Successor   *string        `json:"superceded_by"`
	Required    bool           `json:"required"`
	Validator   map[string]any `json:"validator"`
	Addition    bool           `json:"addition,omitempty"`
}

const (
	stateActive  = "active"
	stateRetired = "eol"
)

// Describe lists the gates, the retired ones last.
func Describe() []GateSpec {
	var specs []GateSpec
	for _, g := range gates {
		specs = append(specs, GateSpec{Name: g.Name, Description: g.Description, State: stateActive, Triggers: triggerSpecs(g), Addition: g.Addition})
	}
	for _, g := range retiredGates {
		specs = append(specs, g.spec())
	}
	return specs
}

func triggerSpecs(g Gate) []TriggerSpec {
	specs := []TriggerSpec{}
	for _, t := range g.Triggers {
		spec := TriggerSpec{Name: t.Name, Description: t.Description, State: stateActive, Parameters: []ParameterSpec{}, Addition: g.Addition || t.Addition}
		for _, p := range t.Parameters {
			spec.Parameters = append(spec.Parameters, p.spec())
		}
		specs = append(specs, spec)
	}
	return specs
}

func (p *Parameter) spec() ParameterSpec {
	return ParameterSpec{
		Name: p.Name, Description: p.Description, Example: p.Example, State: stateActive,
		Required: p.Required, Validator: p.Type.schema(p.Values), Addition: p.Addition,
	}
}

// schema is the JSON schema of a value.
func (t ParameterType) schema(allowed []string) map[string]any {
	schema := map[string]any{"type": "string"}
	switch t {
	case List:
		schema["pattern"] = `^[^,]+(,[^,]+)*$`
	case NumberList:
		schema["pattern"] = `^\s*[0-9]+\s*(,\s*[0-9]+\s*)*$`
	case Integer:
		schema["pattern"] = integerText.String()
	case Float:
		schema["pattern"] = floatText.String()
	case Boolean:
		schema["pattern"] = `^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$`
	case Enum:
		schema["enum"] = allowed
	case Pattern:
		schema["format"] = "regex"
	case OctalMode:
		schema["pattern"] = octalText.String()
	}
	return schema
}

func (g *retiredGate) spec() GateSpec {
	spec := GateSpec{Name: g.name, Description: "Retired: " + g.remedy() + ".", State: stateRetired, Triggers: []TriggerSpec{}}
	if g.successor != "" {
		spec.Successor = &g.successor
	}
	for _, name := range g.triggers {
		trigger := TriggerSpec{Name: name, Description: "Retired.", State: stateRetired, Parameters: []ParameterSpec{}}
		spec.Triggers = append(spec.Triggers, trigger)
	}
	return spec
}
