// Package contract validates webhook bodies against the published JSON Schemas.
package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schemas are the published schemas of webhook bodies. They are closed: a key that no
// schema describes is an error, so that no body has an undocumented one.
type Schemas struct {
	byName map[string]*jsonschema.Schema
}

// Open reads the schemas of a folder, webhook-*.json.
func Open(folder string) (*Schemas, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "webhook-*.json"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("find schemas in %s: %v", folder, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, path := range paths {
		if err := add(compiler, path); err != nil {
			return nil, err
		}
	}
	s := &Schemas{byName: map[string]*jsonschema.Schema{}}
	for _, path := range paths {
		name := filepath.Base(path)
		if s.byName[name], err = compiler.Compile(address(name)); err != nil {
			return nil, fmt.Errorf("compile schema %s: %w", name, err)
		}
	}
	return s, nil
}

func address(name string) string { return "schema:///" + name }

func add(compiler *jsonschema.Compiler, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("read schema %s: %w", path, err)
	}
	closeSchema(schema)
	return compiler.AddResource(address(filepath.Base(path)), schema)
}

// closeSchema forbids further keys in every object that lists its keys. Parts that
// others include have no type and stay open.
func closeSchema(node any) {
	switch n := node.(type) {
	case []any:
		for _, each := range n {
			closeSchema(each)
		}
	case map[string]any:
		_, lists := n["properties"]
		_, includes := n["$ref"]
		_, open := n["additionalProperties"]
		if n["type"] == "object" && (lists || includes) && !open {
			n["unevaluatedProperties"] = false
		}
		for _, each := range n {
			closeSchema(each)
		}
	}
}

// Validate validates a body against the schema of that name.
func (s *Schemas) Validate(name string, content []byte) error {
	schema, found := s.byName[name]
	if !found {
		return fmt.Errorf("there is no schema %s", name)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	if err := schema.Validate(instance); err != nil {
		return fmt.Errorf("%s: %#v", name, err)
	}
	return nil
}

// Check validates a request against the schema that a receiver chooses by its content
// type and the type in its body. It returns the schema's name.
func (s *Schemas) Check(contentType string, content []byte) (name string, err error) {
	name, err = Name(contentType, content)
	if err != nil {
		return "", err
	}
	return name, s.Validate(name, content)
}

// Name is the schema of a request.
func Name(contentType string, content []byte) (string, error) {
	switch contentType {
	case "application/cloudevents+json":
		return "webhook-cloudevents.json", nil
	case "application/cloudevents-batch+json":
		return "webhook-cloudevents-group.json", nil
	}
	var body struct {
		Envelope string `json:"queueId"`
		Slim     string `json:"type"`
	}
	if err := json.Unmarshal(content, &body); err != nil {
		return "", fmt.Errorf("read the body: %w", err)
	}
	switch {
	case body.Envelope != "":
		return "webhook-" + body.Envelope + ".json", nil
	case body.Slim == "group":
		return "webhook-slim-group.json", nil
	}
	return "webhook-slim.json", nil
}
