package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// node is a value of a JSON document and the way to it. Reading one that is not
// of the expected kind reports an error there and yields the zero value.
type node struct {
	path     string
	raw      json.RawMessage // nil if it is absent
	problems *problems
}

func (n node) error(kind, format string, args ...any) {
	n.problems.error(n.path, kind, format, args...)
}

func (n node) warn(kind, format string, args ...any) { n.problems.warn(n.path, kind, format, args...) }

// missing reports whether the value is absent or null.
func (n node) missing() bool { return n.raw == nil || n.null() }

func (n node) null() bool { return bytes.Equal(n.raw, []byte("null")) }

// object reads the fields of an object, nil if it is missing or none.
func (n node) object() object {
	o := object{node: n}
	if n.raw == nil || n.raw[0] != '{' {
		n.error(problemInvalid, "expected an object, not %s", n.kind())
		return o
	}
	fields, repeated := splitObject(n.raw)
	o.fields = fields
	for _, name := range repeated {
		o.at(name).warn(problemDuplicate, "the key %q occurs more than once here, and the last one counts", name)
	}
	return o
}

// items reads the elements of an array. A missing one has none.
func (n node) items() []node {
	if n.missing() {
		return nil
	}
	if n.raw[0] != '[' {
		n.error(problemInvalid, "expected a list, not %s", n.kind())
		return nil
	}
	raws := splitArray(n.raw)
	nodes := make([]node, len(raws))
	for i, raw := range raws {
		nodes[i] = node{n.path + "[" + strconv.Itoa(i) + "]", raw, n.problems}
	}
	return nodes
}

// text reads a string; "" for a missing one.
func (n node) text() string {
	if n.missing() {
		return ""
	}
	if n.raw[0] != '"' {
		n.error(problemInvalid, "expected a string, not %s", n.kind())
		return ""
	}
	return unquote(n.raw)
}

// requiredText reports a string that is missing or empty.
func (n node) requiredText() string {
	text := n.text()
	if text == "" && (n.missing() || n.raw[0] == '"') {
		n.error(problemInvalid, "a value is required")
	}
	return text
}

// requiredItems reports an array that is missing.
func (n node) requiredItems() []node {
	if n.missing() {
		n.error(problemInvalid, "a list is required; it may be empty: []")
	}
	return n.items()
}

// kind says what a person sees in the place of the value.
func (n node) kind() string {
	if n.raw == nil {
		return "nothing"
	}
	switch n.raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	default:
		return fmt.Sprintf("%.40s", n.raw) // null, a number or a boolean
	}
}

// object is a node with its fields.
type object struct {
	node
	fields map[string]json.RawMessage
}

// at is a field, which may be absent.
func (o object) at(name string) node {
	if renamed := o.problems.keys[name]; renamed != "" {
		name = renamed
	}
	path := name
	if o.path != "" {
		path = o.path + "." + name
	}
	return node{path, o.fields[name], o.problems}
}
