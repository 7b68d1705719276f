package session

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/starter/output"
)

var Forms = []string{formTable, formWide, formJSON, formYAML, formCSV}

// ListFlags are for commands that print a list.
func ListFlags() []cli.Flag {
	return []cli.Flag{OutputFlag(), &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print names only, one per line"}}
}

func (s *Session) hasFlag(name string) bool { return FindFlag(s.Command.Flags, name) != nil }

// ForPeople reports whether a person reads the output, not a program.
func (s *Session) ForPeople() bool {
	form := s.String("output")
	return form == formTable || form == formWide
}

// Rows is a list to print.
type Rows[T any] struct {
	Items []T
	// Name identifies an item for --quiet.
	Name func(T) string
	// Whole is what JSON and YAML print in place of the items, if set: one value
	// that may hold more than the items.
	Whole any
	// People prints the items as text.
	People func(io.Writer, []T)
	// Steady is an item without the fields that change all the time, for --watch.
	Steady func(T) T
}

// ShowRows prints a list in the form of --output.
func ShowRows[T any](s *Session, r Rows[T]) error {
	s.Shown()
	if s.Watch != nil && !s.Watch.screen {
		return showChanges(s, r)
	}
	if s.Bool("quiet") {
		printNames(s.Out, r)
		return nil
	}
	if s.ForPeople() {
		r.People(s.Out, r.Items)
		return nil
	}
	if r.Whole != nil {
		return writeForm(s.Out, s.String("output"), r.Whole, r.Items)
	}
	return writeForm(s.Out, s.String("output"), r.Items, r.Items)
}

// printNames prints each name once.
func printNames[T any](w io.Writer, r Rows[T]) {
	printed := map[string]bool{}
	for _, item := range r.Items {
		if name := r.Name(item); !printed[name] {
			fmt.Fprintln(w, name)
			printed[name] = true
		}
	}
}

// writeForm prints a value for programs: JSON, YAML, or CSV with a record for
// each of the items, which are a slice or one value.
func writeForm(w io.Writer, form string, value, items any) error {
	switch form {
	case formYAML:
		return WriteYAML(w, value)
	case formCSV:
		return WriteCSV(w, items)
	}
	return output.WriteJSON(w, value)
}

// Stream prints items one after the other in one form: JSON objects on a line
// each, YAML documents, or CSV records under one header.
type Stream struct {
	w       io.Writer
	form    string
	records *records
}

func (s *Session) Stream() *Stream {
	return &Stream{w: s.Out, form: s.String("output"), records: newRecords(s.Out)}
}

func (s *Stream) Write(item any) error {
	switch s.form {
	case formYAML:
		fmt.Fprintln(s.w, "---")
		return WriteYAML(s.w, item)
	case formCSV:
		return s.records.write(reflect.TypeOf(item), item)
	}
	encoder := json.NewEncoder(s.w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(item)
}

// WriteYAML prints the fields of the value's JSON, in the same order.
func WriteYAML(w io.Writer, value any) error {
	root, err := tree(value)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	_, err = io.WriteString(w, escapeHidden(out.String()))
	return err
}

// escapeHidden writes characters that are not shown and need more than four
// hexadecimal digits as YAML writes them. A shield would write them as JSON does.
func escapeHidden(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r > 0xffff && !plain.Shown(r) {
			fmt.Fprintf(&out, `\U%08x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// tree is a value's JSON with the order of its fields.
func tree(value any) (*yaml.Node, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return nextNode(decoder)
}

func nextNode(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		if t == '{' {
			node.Kind = yaml.MappingNode
		}
		for decoder.More() {
			child, err := nextNode(decoder)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		_, err = decoder.Token() // the end
		return node, err
	case string:
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}
		if !unquoted.MatchString(t) || ambiguous.MatchString(t) {
			node.Style = yaml.DoubleQuotedStyle
		}
		return node, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(token)}, nil // a number or a boolean
}

var (
	// unquoted are strings that every YAML parser reads as strings.
	unquoted = regexp.MustCompile(`^[A-Za-z/](?:[A-Za-z0-9_./:@+-]| [A-Za-z0-9_./])*$`)
	// ambiguous are booleans and nulls to some parsers.
	ambiguous = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$|:$`)
)

func WriteCSV(w io.Writer, items any) error {
	all := reflect.ValueOf(items)
	if all.Kind() != reflect.Slice || all.Type().Implements(marshaler) {
		return newRecords(w).write(all.Type(), items)
	}
	each := make([]any, all.Len())
	for i := range each {
		each[i] = all.Index(i).Interface()
	}
	return newRecords(w).write(all.Type().Elem(), each...)
}

// records writes CSV. The columns follow from the type of the items, so that they
// are the same whatever the items hold.
type records struct {
	csv     *csv.Writer
	columns []string
}

func newRecords(w io.Writer) *records { return &records{csv: csv.NewWriter(w)} }

// write adds items, below a header if they are the first.
func (r *records) write(of reflect.Type, items ...any) error {
	if r.columns == nil {
		if r.columns = typeColumns(of, ""); !slices.Equal(r.columns, []string{""}) {
			_ = r.csv.Write(r.columns) // Flush reports errors
		}
	}
	for _, item := range items {
		root, err := tree(item)
		if err != nil {
			return err
		}
		if slices.Equal(r.columns, []string{""}) { // the type does not say
			r.columns = nodeColumns(root, "")
			_ = r.csv.Write(r.columns)
		}
		cells := make([]string, len(r.columns))
		r.fill(cells, "", root)
		_ = r.csv.Write(cells)
	}
	r.csv.Flush()
	return r.csv.Error()
}

// fill sets the cells of the columns at and below a path.
func (r *records) fill(cells []string, path string, node *yaml.Node) {
	if i := slices.Index(r.columns, path); i >= 0 {
		cells[i] = cellOf(node)
		return
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		r.fill(cells, below(path, node.Content[i].Value), node.Content[i+1])
	}
}

func below(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// cellOf separates simple values by semicolons, and writes structures as JSON.
func cellOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return ""
	case node.Kind == yaml.ScalarNode:
		return node.Value
	case node.Kind == yaml.SequenceNode && !slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode }):
		var values []string
		for _, each := range node.Content {
			values = append(values, each.Value)
		}
		return strings.Join(values, ";")
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return err.Error()
	}
	text, _ := json.Marshal(value) // it was JSON
	return string(text)
}

// nodeColumns are the columns of a value by its fields.
func nodeColumns(node *yaml.Node, path string) []string {
	if node.Kind != yaml.MappingNode {
		return []string{path}
	}
	var columns []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		columns = append(columns, nodeColumns(node.Content[i+1], below(path, node.Content[i].Value))...)
	}
	return columns
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
	timestamp     = reflect.TypeFor[time.Time]()
)

// typeColumns are the columns of a value by its type.
func typeColumns(t reflect.Type, path string) []string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || t == timestamp || t.Implements(marshaler) || t.Implements(textMarshaler) {
		return []string{path}
	}
	var columns []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
		case field.Anonymous && name == "":
			columns = append(columns, typeColumns(field.Type, path)...)
		case name == "":
			columns = append(columns, typeColumns(field.Type, below(path, field.Name))...)
		default:
			columns = append(columns, typeColumns(field.Type, below(path, name))...)
		}
	}
	return columns
}
