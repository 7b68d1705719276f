package policy

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaPath = "../../docs/schemas/policy-bundle.json"

// dict is a JSON object.
type dict = map[string]any

// TestSchemaIsCurrent compares the published JSON schema with the catalogue.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	golden(t, schemaPath, indented(t, bundleSchema()))
}

// TestSchemaAgrees compares the schema's judgement with the validator's.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	documents := []violation{
		{name: "default", document: string(defaultBundle)},
		{name: "customary", document: customary},
		{name: "workload", document: workloadBundle()},
		{name: "enterprise", document: enterpriseBundle},
		{name: "converted", document: converted(t, string(defaultBundle))},
	}
	for _, tt := range append(documents, violations...) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(tt.document))
			if err != nil {
				t.Fatal(err)
			}
			_, problems := Parse([]byte(tt.document))
			err = schema.Validate(document)
			if beyondSchema(tt) {
				return
			}
			if (err == nil) != Valid(problems) {
				t.Errorf("schema: %v\nvalidator: %v", err, problems)
			}
		})
	}
}

// beyondSchema reports which faults a schema cannot see: those that need the
// knowledge of other parts, of a number's size or of regular expressions.
func beyondSchema(v violation) bool {
	return v.kind == problemReference || v.kind == problemDuplicate || v.kind == problemExpression ||
		strings.HasSuffix(v.details, "not compile") || strings.HasPrefix(v.name, "fault of an unused") ||
		v.name == "integer out of bounds" || v.name == "score in percent" || v.name == "mapping without policy"
}

// bundleSchema is the JSON schema of bundles, in the forms of both versions. Keys
// that nobody knows are allowed everywhere, as in Anchore's bundles.
func bundleSchema() dict {
	return dict{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Policy bundle",
		"description": "Policies, whitelists, mappings and image lists in the formats of Anchore Engine and Anchore Enterprise, as Tagwatch accepts them.",
		"type":        "object",
		"required":    []string{"version"},
		"if":          dict{"properties": dict{"version": dict{"const": VersionEnterprise}}},
		"then":        ref("enterprise"),
		"else":        ref("engine"),
		"$defs":       definitions(),
	}
}

// formSchema is that of a bundle's members in the form of a version.
func formSchema(version string, keys map[string]string, policy, whitelist string) dict {
	key := func(name string) string { return cmp.Or(keys[name], name) }
	return dict{
		"required": []string{"id", "version", key("policies"), "mappings"},
		"properties": dict{
			"id": required, "version": dict{"const": version}, "name": optional, "description": optional,
			key("policies"):           dict{"type": "array", "items": ref(policy)},
			key("whitelists"):         dict{"type": []string{"array", "null"}, "items": ref(whitelist)},
			"mappings":                dict{"type": "array", "items": ref(policy + "_mapping"), "description": "In order: the first that matches counts."},
			key("whitelisted_images"): dict{"type": "array", "items": ref("selection")},
			key("blacklisted_images"): dict{"type": "array", "items": ref("selection")},
		},
	}
}

func definitions() dict {
	all := dict{
		"engine": formSchema(VersionEngine, nil, "policy", "whitelist"), "enterprise": formSchema(VersionEnterprise, enterpriseKeys, "rule_set", "allowlist"),
		"policy": partSchema("rules", ref("rule"), VersionEngine), "rule_set": partSchema("rules", ref("rule"), VersionEngine, VersionEnterprise),
		"whitelist": partSchema("items", ref("item"), VersionEngine), "allowlist": partSchema("items", ref("item"), VersionEngine, VersionEnterprise),
		"policy_mapping": mappingSchema(), "rule_set_mapping": enterpriseMappingSchema(),
		"rule": ruleSchema(), "param": paramSchema(), "item": itemSchema(), "selection": selectionSchema(),
	}
	for _, kind := range []ParameterType{List, NumberList, Integer, Float, Boolean, OctalMode} {
		schema := kind.schema(nil)
		schema["type"] = []string{"string", "null"}
		all[string(kind)] = schema
	}
	return all
}

var (
	required = dict{"type": "string", "minLength": 1}
	optional = dict{"type": []string{"string", "null"}}
)

func ref(name string) dict { return dict{"$ref": "#/$defs/" + name} }

// partSchema is that of a policy or a whitelist.
func partSchema(list string, element dict, versions ...string) dict {
	return dict{
		"type": "object", "required": []string{"id", "version", list},
		"properties": dict{"id": required, "name": optional, "version": dict{"enum": versions}, list: dict{"type": "array", "items": element}},
	}
}

func selectionSchema() dict {
	pattern := dict{"type": "string", "minLength": 1, "description": "A text in which * stands for any characters, or regexp: and a regular expression."}
	return dict{
		"type": "object", "required": []string{"registry", "repository", "image"},
		"properties": dict{
			"id": optional, "name": optional, "registry": pattern, "repository": pattern,
			"image": dict{
				"type": "object", "required": []string{"type", "value"},
				"properties": dict{"type": dict{"enum": []string{"tag", "digest", "id"}}, "value": required},
			},
		},
	}
}

func mappingSchema() dict {
	ids := dict{"type": []string{"array", "null"}, "items": optional}
	single := dict{"required": []string{"policy_id"}, "properties": dict{"policy_id": required}}
	many := dict{"required": []string{"policy_ids"}, "properties": dict{"policy_ids": dict{"type": "array", "minItems": 1}}}
	return dict{
		"allOf":      []dict{ref("selection")},
		"properties": dict{"policy_id": optional, "policy_ids": ids, "whitelist_ids": ids},
		"oneOf":      []dict{single, many},
	}
}

func enterpriseMappingSchema() dict {
	ids := dict{"type": []string{"array", "null"}, "items": optional}
	return dict{
		"allOf": []dict{ref("selection")}, "required": []string{"rule_set_ids"},
		"properties": dict{"rule_set_ids": dict{"type": "array", "minItems": 1, "items": optional}, "allowlist_ids": ids},
	}
}

func itemSchema() dict {
	moment := dict{"type": []string{"string", "null"}, "pattern": `^$|^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.:]\d{1,6})?Z$|^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$`}
	return dict{
		"type": "object", "required": []string{"gate", "trigger_id"},
		"properties": dict{"id": optional, "gate": required, "trigger_id": required, "expires_on": moment},
	}
}

func ruleSchema() dict {
	var gateNames []string
	var conditions []dict
	for _, spec := range Describe() {
		gateNames = append(gateNames, spec.Name)
		conditions = append(conditions, when("gate", ofGate(spec), spec.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(enterpriseTriggers)) {
		if findGate(name) == nil {
			gateNames = append(gateNames, name)
		}
	}
	return dict{
		"type": "object", "required": []string{"gate", "trigger", "action"},
		"properties": dict{
			"id": optional, "gate": offered(gateNames), "trigger": required, "action": offered([]string{"STOP", "WARN", "GO"}),
			"params": dict{"type": []string{"array", "null"}, "items": ref("param")}, "parameters": false,
		},
		"allOf": conditions,
	}
}

func paramSchema() dict {
	return dict{
		"type": "object", "required": []string{"name"},
		"properties": dict{"name": required, "value": dict{"type": []string{"string", "null"}, "description": "Numbers, lists and booleans, too, are written as strings."}},
	}
}

// ofGate is what holds for the rules of a gate.
func ofGate(spec GateSpec) dict {
	var names []string
	var conditions []dict
	for _, t := range spec.Triggers {
		spellings := spelled(t.Name)
		names = append(names, spellings...)
		if len(t.Parameters) > 0 {
			conditions = append(conditions, when("trigger", ofTrigger(findGate(spec.Name).find(t.Name)), spellings...))
		} else if spec.State == stateActive {
			conditions = append(conditions, when("trigger", dict{"properties": dict{"params": dict{"maxItems": 0}}}, spellings...))
		}
	}
	names = append(names, enterpriseTriggers[spec.Name]...)
	schema := dict{"properties": dict{"trigger": offered(names)}}
	if len(conditions) > 0 {
		schema["allOf"] = conditions
	}
	return schema
}

// ofTrigger is what holds for the rules of a trigger with parameters.
func ofTrigger(trigger *Trigger) dict {
	var known []string
	var each, all []dict
	if trigger.Name == "package" {
		known = slices.Clone(enterpriseParameters)
	}
	for _, p := range trigger.Parameters {
		names := append([]string{p.Name}, p.Aliases...)
		known = append(known, names...)
		if p.Type != Text && p.Type != Pattern {
			each = append(each, when("name", dict{"properties": dict{"value": valueSchema(p)}}, names...))
		}
		if p.Required {
			given := dict{"required": []string{"value"}, "properties": dict{"name": matching(names...), "value": dict{"type": "string"}}}
			all = append(all, dict{"properties": dict{"params": dict{"type": "array", "contains": given}}})
		}
	}
	items := dict{"properties": dict{"name": offered(known)}}
	if len(each) > 0 {
		items["allOf"] = each
	}
	schema := dict{"properties": dict{"params": dict{"items": items}}}
	if len(all) > 0 {
		schema["required"], schema["allOf"] = []string{"params"}, all
	}
	return schema
}

// valueSchema is that of a parameter's value. The types have definitions.
func valueSchema(p Parameter) dict {
	if p.Type == Enum {
		var values []string
		for _, value := range p.Values {
			values = append(values, spelled(value)...)
		}
		return dict{"enum": append([]any{nil}, asAny(values)...), "description": p.Description}
	}
	return ref(string(p.Type))
}

// spelled is a name as both versions spell it.
func spelled(name string) []string {
	return slices.Compact([]string{name, enterpriseWords.Replace(name)})
}

func asAny(texts []string) []any {
	var all []any
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}

// when applies a schema to objects of which a field is one of the words.
func when(field string, then dict, words ...string) dict {
	return dict{"if": dict{"properties": dict{field: matching(words...)}}, "then": then}
}

// offered is matching, with the words as examples that editors show.
func offered(words []string) dict {
	schema := matching(words...)
	schema["type"], schema["examples"] = "string", words
	return schema
}

// matching accepts the words in any case.
func matching(words ...string) dict {
	var patterns []string
	for _, word := range words {
		var pattern strings.Builder
		for _, letter := range word {
			lower, upper := strings.ToLower(string(letter)), strings.ToUpper(string(letter))
			if lower == upper {
				pattern.WriteString(lower)
			} else {
				pattern.WriteString("[" + lower + upper + "]")
			}
		}
		patterns = append(patterns, pattern.String())
	}
	return dict{"pattern": "^(" + strings.Join(patterns, "|") + ")$"}
}

// TestSchemaOfParameters compares the schemas of values with the validator.
func TestSchemaOfParameters(t *testing.T) {
	t.Parallel()
	values := []string{"", " ", "a", "a,b", "a,", ",", "1", "1, 22", "1,,2", "-1", " 7 ", "1.5", ".5", ".", "--5", "true", "TRUE", "yes", "755", "888"}
	for _, kind := range []ParameterType{Text, List, NumberList, Integer, Float, Boolean, Enum, OctalMode} {
		compiler := jsonschema.NewCompiler()
		text := indented(t, kind.schema([]string{"a", "b"}))
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("value.json", document); err != nil {
			t.Fatal(err)
		}
		schema := compiler.MustCompile("value.json")
		for _, value := range values {
			bySchema, byValidator := schema.Validate(value), kind.check(value, []string{"a", "b"})
			if (bySchema == nil) != (byValidator == nil) {
				t.Errorf("%s %q: schema %v, validator %v", kind, value, bySchema, byValidator)
			}
		}
	}
}
