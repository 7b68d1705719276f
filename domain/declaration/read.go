package declaration

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// schemaText is published as docs/schemas/declaration.json.
//
//go:embed schema.json
var schemaText []byte

const schemaName = "schema:///declaration.json"

func compileSchema() (*jsonschema.Schema, error) {
	content, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaName, content); err != nil {
		return nil, err
	}
	return compiler.Compile(schemaName)
}

// File is a file that holds a document, or a part of one.
type File struct {
	Name    string
	Content []byte
}

// Place is where something is written.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// String is the place as compilers write it.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Fault is what is wrong in one place.
type Fault struct {
	Place
	Path string // as in endpoints[0].url; "" for the document
	Text string
}

func (f Fault) Error() string {
	if f.Path == "" {
		return fmt.Sprintf("%s: %s", f.Place, f.Text)
	}
	return fmt.Sprintf("%s: %s: %s", f.Place, f.Path, f.Text)
}

// Faults is everything that is wrong with a document, one on each line.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, each := range f {
		lines[i] = each.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the kind.
func (f Faults) Unwrap() error { return errkind.Invalid }

// located is a document with the nodes of YAML that it was read from.
type located struct {
	Document
	file string
	root *yaml.Node

	open   map[*yaml.Node]bool // what aliases are for, around the node that is read
	values int                 // that were read
}

// mostValues bounds what aliases stand for: a few lines could fill the memory.
const mostValues = 1_000_000

// readFile reads one file; what is wrong with it is a list of faults.
func readFile(f File) (located, Faults) {
	read := located{file: f.Name, open: map[*yaml.Node]bool{}}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(f.Content))
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return read, Faults{read.fault(nil, "the file is empty; it begins with owner: NAME")}
	}
	if err != nil {
		return read, Faults{malformed(f.Name, err)}
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return read, Faults{read.fault(nil, "the file holds more than one document; split it into files of one folder")}
	}
	read.root = root.Content[0]
	content, fault := read.plain(read.root, nil)
	if fault != nil {
		return read, Faults{*fault}
	}
	schema, err := compileSchema()
	if err != nil {
		return read, Faults{read.fault(nil, "the schema cannot be used: "+err.Error())}
	}
	if err := schema.Validate(content); err != nil {
		return read, read.violations(err)
	}
	text, err := json.Marshal(content)
	if err == nil {
		err = json.Unmarshal(text, &read.Document)
	}
	if err != nil {
		return read, read.unreadable(content, err)
	}
	return read, nil
}

// malformed is a fault of the syntax. The library names the line in its text.
func malformed(file string, err error) Fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, found := strings.CutPrefix(text, "line "); found {
		number, after, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, text = n, after
		}
	}
	return Fault{Place: Place{file, line}, Text: "this is not YAML: " + text}
}

// plain is what a node holds, in the types of JSON. Times stay the texts that they are.
func (d *located) plain(n *yaml.Node, path []string) (any, *Fault) {
	if d.values++; d.values > mostValues {
		return nil, &Fault{Place{d.file, n.Line}, pathText(path), fmt.Sprintf("with its aliases, the document has more than %d values", mostValues)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		if d.open[n.Alias] {
			return nil, &Fault{Place{d.file, n.Line}, pathText(path), "an alias stands within what it is for"}
		}
		d.open[n.Alias] = true
		defer delete(d.open, n.Alias)
		return d.plain(n.Alias, path)
	case yaml.SequenceNode:
		list := []any{}
		for i, item := range n.Content {
			value, fault := d.plain(item, append(slices.Clone(path), strconv.Itoa(i)))
			if fault != nil {
				return nil, fault
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if _, twice := object[key.Value]; twice {
				return nil, &Fault{Place{d.file, key.Line}, pathText(path), fmt.Sprintf("%q is given twice; remove one", key.Value)}
			}
			value, fault := d.plain(n.Content[i+1], append(slices.Clone(path), key.Value))
			if fault != nil {
				return nil, fault
			}
			object[key.Value] = value
		}
		return object, nil
	}
	if tag := n.ShortTag(); tag == "!!str" || tag == "!!timestamp" {
		return n.Value, nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, &Fault{Place{d.file, n.Line}, pathText(path), "this cannot be read: " + err.Error()}
	}
	return value, nil
}

// node is the one at a path, or the closest around it.
func (d located) node(path []string) *yaml.Node {
	at := d.root
	for _, step := range path {
		if at != nil && at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		next := (*yaml.Node)(nil)
		switch {
		case at == nil:
			return nil
		case at.Kind == yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i < len(at.Content) {
				next = at.Content[i]
			}
		case at.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(at.Content); i += 2 {
				if at.Content[i].Value == step {
					next = at.Content[i+1]
				}
			}
		}
		if next == nil {
			return at
		}
		at = next
	}
	return at
}

func (d located) place(path []string) Place {
	if n := d.node(path); n != nil {
		return Place{d.file, n.Line}
	}
	return Place{d.file, 1}
}

func (d located) fault(path []string, text string) Fault {
	return Fault{d.place(path), pathText(path), text}
}

// pathText is as in endpoints[0].url.
func pathText(path []string) string {
	var text strings.Builder
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			text.WriteString("[" + step + "]")
			continue
		}
		if text.Len() > 0 {
			text.WriteString(".")
		}
		text.WriteString(step)
	}
	return text.String()
}

// violations are what the schema does not allow, by line.
func (d located) violations(err error) Faults {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return Faults{d.fault(nil, err.Error())}
	}
	var faults Faults
	printer := message.NewPrinter(language.English)
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if extra, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			for _, name := range extra.Properties {
				faults = append(faults, d.unknown(e.InstanceLocation, name))
			}
			return
		}
		if _, ok := e.ErrorKind.(*kind.OneOf); ok {
			faults = append(faults, d.fault(e.InstanceLocation, "expected either file or bundle"))
			return
		}
		if len(e.Causes) == 0 {
			faults = append(faults, d.fault(e.InstanceLocation, cmp.Or(expected(e), e.ErrorKind.LocalizedString(printer))))
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(invalid)
	return sorted(faults)
}

func (d located) unknown(path []string, name string) Fault {
	fault := d.fault(path, fmt.Sprintf("unknown key %q; the keys are in docs/schemas/declaration.json", name))
	if at := d.node(path); at != nil && at.Kind == yaml.MappingNode {
		for i := 0; i < len(at.Content); i += 2 {
			if at.Content[i].Value == name {
				fault.Line = at.Content[i].Line
			}
		}
	}
	return fault
}

// expected says what is to be written where the schema has only a pattern; "" for other
// errors. It does not repeat the value: where a reference belongs, that may be a secret.
func expected(e *jsonschema.ValidationError) string {
	if _, ok := e.ErrorKind.(*kind.Pattern); !ok {
		return ""
	}
	switch {
	case strings.Contains(e.SchemaURL, "/secret"):
		return "expected a reference to the secret: env:NAME or file:/path"
	case strings.Contains(e.SchemaURL, "/duration"):
		return "expected a duration such as 30s or 5m"
	}
	return "expected 1 to 63 letters, digits, '.', '_' and '-', beginning with a letter or digit"
}

// unreadable finds the item that a value cannot be read of.
func (d located) unreadable(content any, whole error) Faults {
	var faults Faults
	object, _ := content.(map[string]any)
	for section, list := range object {
		items, _ := list.([]any)
		for i, item := range items {
			text, err := json.Marshal(map[string]any{section: []any{item}})
			if err == nil {
				err = json.Unmarshal(text, new(Document))
			}
			if err != nil {
				faults = append(faults, d.fault([]string{section, strconv.Itoa(i)}, errkind.Text(err)))
			}
		}
	}
	if len(faults) == 0 {
		return Faults{d.fault(nil, errkind.Text(whole))}
	}
	return sorted(faults)
}

func sorted(faults Faults) Faults {
	slices.SortStableFunc(faults, func(a, b Fault) int { return a.Line - b.Line })
	return faults
}
