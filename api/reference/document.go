package reference

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// document is what the pages show of an OpenAPI document.
//
// Specification: https://spec.openapis.org/oas/v3.1.0
type document struct {
	Info struct{ Title, Version, Description string }
	Tags []struct{ Name string }
	// Paths have the operations by address and method.
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	Method, Path         string `json:"-"`
	ID                   string `json:"operationId"`
	Summary, Description string
	Tags                 []string
	Parameters           []parameter
	RequestBody          *struct{ Content map[string]content }
	Responses            map[string]struct {
		Description string
		Headers     map[string]struct{ Schema *schema }
		Content     map[string]content
	}
	Scope string `json:"x-tagwatch-scope"`
	Whole bool   `json:"x-tagwatch-whole"`
}

type content struct{ Schema *schema }

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                *schema
}

type group struct {
	Name       string
	Operations []operation
}

// homePage is the page of all operations.
type homePage struct {
	Title, Version string
	Text           []string // paragraphs
	Groups         []group
	Problem        []structure
}

func (d document) home() homePage {
	page := homePage{Title: d.Info.Title, Version: d.Info.Version, Text: strings.Split(d.Info.Description, "\n\n"),
		Problem: d.reached(&schema{Ref: schemas + "ProblemDetails"}, map[string]bool{}, nil)}
	for _, tag := range d.Tags {
		if found := d.tagged(tag.Name); len(found) > 0 {
			page.Groups = append(page.Groups, group{tag.Name, found})
		}
	}
	return page
}

// methods are in the order in which the operations of an address are listed.
var methods = []string{"get", "post", "put", "patch", "delete"}

func (d document) tagged(name string) (found []operation) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range methods {
			each, there := d.Paths[path][method]
			if each.Method, each.Path = strings.ToUpper(method), path; there && slices.Contains(each.Tags, name) {
				found = append(found, each)
			}
		}
	}
	return found
}

// operationPage is the page of one operation.
type operationPage struct {
	operation
	Parameters, Headers structure
	Body                *kind
	Answers             []answer
	// Structures are those of the body and the answers, and what they are made of.
	Structures []structure
}

type answer struct {
	Status, Type, Text string
	Kind               kind
	Headers            []field
}

// Fails reports that the answer is an error, of which the page of all operations has the
// fields.
func (a answer) Fails() bool { return a.Status == "default" }

func (d document) page(o operation) operationPage {
	page, seen := operationPage{operation: o, Parameters: structure{Name: "Parameters"}, Headers: structure{Name: "Headers"}}, map[string]bool{}
	for _, each := range o.Parameters {
		described := field{Name: each.Name, Required: each.Required, Kind: each.Schema.kind(), Text: cmp.Or(each.Description, each.Schema.Description), Limits: each.Schema.limits()}
		of := &page.Parameters
		if each.In == "header" {
			of = &page.Headers
		}
		of.Fields = append(of.Fields, described)
	}
	if o.RequestBody != nil {
		for _, each := range o.RequestBody.Content {
			page.Body = new(each.Schema.kind())
			page.Structures = d.reached(each.Schema, seen, page.Structures)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		response := o.Responses[status]
		made := answer{Status: status, Text: response.Description}
		for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
			header := response.Headers[name].Schema
			made.Headers = append(made.Headers, field{Name: name, Text: header.Description})
		}
		for kind, each := range response.Content {
			made.Type, made.Kind = kind, each.Schema.kind()
			if !made.Fails() {
				page.Structures = d.reached(each.Schema, seen, page.Structures)
			}
		}
		page.Answers = append(page.Answers, made)
	}
	return page
}

// reached adds the structures that a schema is made of, each once.
func (d document) reached(s *schema, seen map[string]bool, found []structure) []structure {
	if s == nil {
		return found
	}
	if name := s.name(); name != "" && !seen[name] {
		seen[name] = true
		found = append(found, d.structure(name))
		return d.reached(d.Components.Schemas[name], seen, found)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		found = d.reached(s.Properties[name], seen, found)
	}
	for _, each := range append(slices.Clone(s.OneOf), s.Items, s.values()) {
		found = d.reached(each, seen, found)
	}
	return found
}

// structure is an object with its fields, those that are always there first.
type structure struct {
	Name   string
	Fields []field
}

type field struct {
	Name, Text, Limits string
	Required           bool
	Kind               kind
}

func (d document) structure(name string) structure {
	made, of := structure{Name: name}, d.Components.Schemas[name]
	if of == nil {
		return made
	}
	for _, key := range slices.Sorted(maps.Keys(of.Properties)) {
		each := of.Properties[key]
		made.Fields = append(made.Fields, field{Name: key, Required: slices.Contains(of.Required, key), Kind: each.kind(), Text: each.Description, Limits: each.limits()})
	}
	slices.SortStableFunc(made.Fields, func(a, b field) int { return cmp.Compare(order(a), order(b)) })
	return made
}

func order(f field) int {
	if f.Required {
		return 0
	}
	return 1
}

// schema is what the document says of a value.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 names
	Format, Description  string
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	OneOf                []*schema
	AdditionalProperties json.RawMessage // a flag or a schema
	Enum, Examples       []any
	MinLength, MaxLength *int
	MinItems, MaxItems   *int
	Minimum, Maximum     *float64
}

// names are a name or a list of them.
type names []string

// UnmarshalJSON implements json.Unmarshaler.
func (n *names) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*n = names{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(n))
}

// schemas begins references to the schemas of the document.
const schemas = "#/components/schemas/"

// name is the name of the schema that this one refers to.
func (s *schema) name() string { return strings.TrimPrefix(s.Ref, schemas) }

// values describe what an object has under any name; nil if it has named fields only.
func (s *schema) values() *schema {
	var of schema
	if s.AdditionalProperties == nil || json.Unmarshal(s.AdditionalProperties, &of) != nil {
		return nil
	}
	return &of
}
