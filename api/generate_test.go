package api_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/domain/token"
)

// described is an operation as the document describes it.
type described struct {
	method, path string
	Name         string      `json:"operationId"`
	Scope        token.Scope `json:"x-tagwatch-scope"`
	Whole        bool        `json:"x-tagwatch-whole"`
	Parameters   []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody struct {
		Content map[string]struct{ Schema map[string]any }
	}
}

// generator makes requests from the document.
type generator struct {
	random     *rand.Rand
	operations []described
	schemas    map[string]any
	// words are values that something has, among others.
	words []string
}

func newGenerator(t *testing.T, seed uint64, words ...string) *generator {
	t.Helper()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths      map[string]map[string]described
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	g := &generator{random: rand.New(rand.NewPCG(seed, 0)), schemas: document.Components.Schemas, words: words}
	for path, methods := range document.Paths {
		for method, o := range methods {
			o.method, o.path = strings.ToUpper(method), path
			g.operations = append(g.operations, o)
		}
	}
	slices.SortFunc(g.operations, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	return g
}

// request is a request to an operation that is mostly as described.
func (g *generator) request(o described) (path, body string, headers []string) {
	path, query := o.path, url.Values{}
	for _, p := range o.Parameters {
		value := g.text(p.Schema)
		switch {
		case p.In == "path":
			if strings.Trim(value, "./") == "" || strings.Contains(value, "//") {
				value = "none" // the path would be another operation's
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && (p.Required && g.often() || g.random.IntN(3) == 0):
			query.Set(p.Name, value)
		case p.In == "header" && g.random.IntN(3) == 0:
			headers = append(headers, p.Name, strings.Map(printable, value))
		}
	}
	if !g.often() {
		query.Set(g.word(), g.word())
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if content, found := o.RequestBody.Content["application/json"]; found {
		body = g.body(content.Schema)
	}
	return path, body, headers
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// body is JSON of the schema, sometimes damaged.
func (g *generator) body(schema map[string]any) string {
	made, _ := json.Marshal(g.value(schema, 0)) // of its own making
	switch g.random.IntN(12) {
	case 0:
		return string(made[:g.random.IntN(len(made)+1)])
	case 1:
		return strings.Repeat("[", 20_000)
	case 2:
		return g.word()
	}
	return string(made)
}

// text is a value of a parameter.
func (g *generator) text(schema map[string]any) string {
	switch value := g.value(schema, 0).(type) {
	case string:
		return value
	default:
		made, _ := json.Marshal(value)
		return string(made)
	}
}

// value has the schema's type in most cases.
func (g *generator) value(schema map[string]any, depth int) any {
	if reference, found := schema["$ref"].(string); found {
		target, _ := g.schemas[reference[strings.LastIndex(reference, "/")+1:]].(map[string]any)
		return g.value(target, depth+1)
	}
	if !g.often() || depth > 8 {
		return g.anything()
	}
	if allowed, found := schema["enum"].([]any); found {
		return allowed[g.random.IntN(len(allowed))]
	}
	switch typeOf(schema) {
	case "object":
		return g.object(schema, depth)
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := []any{}
		for range g.random.IntN(4) {
			list = append(list, g.value(items, depth+1))
		}
		return list
	case "integer", "number":
		return g.random.IntN(1200) - 100
	case "boolean":
		return g.random.IntN(2) == 0
	case "string":
		if schema["format"] == "date-time" {
			return "2026-03-01T12:00:00Z"
		}
		return g.word()
	}
	return g.anything()
}

func (g *generator) object(schema map[string]any, depth int) any {
	made := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) { // the same seed makes the same request
		of, isSchema := properties[name].(map[string]any)
		if isSchema && (slices.Contains(required, any(name)) || g.random.IntN(3) == 0) && name != "$schema" {
			made[name] = g.value(of, depth+1)
		}
	}
	if !g.often() {
		made[g.word()] = g.anything()
	}
	return made
}

func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		text, _ := t[0].(string)
		return text
	}
	return ""
}

func (g *generator) often() bool { return g.random.IntN(10) > 0 }

func (g *generator) word() string {
	if g.random.IntN(8) > 0 {
		return g.words[g.random.IntN(len(g.words))]
	}
	return oddWords[g.random.IntN(len(oddWords))]
}

func (g *generator) anything() any {
	return []any{nil, true, -1, 1e300, 9223372036854775807, g.word(), []any{}, []any{g.word(), nil}, map[string]any{}, map[string]any{g.word(): g.word()}}[g.random.IntN(10)]
}

var oddWords = []string{"", " ", ".", "..", "/", "%", "%00", "\x00", "\u202e", "é", "'", `"`, "' OR 1=1 --", "a b", strings.Repeat("a", 1000), strings.Repeat("€", 601), "*", "[", "(", "\\", "\n",
	"0", "-1", "99999999999999999999", "NaN", "null", "true", "{}", "[]", "://", "http://", "pkg:", "pkg:deb/debian/openssl@1?x=%", "CVE-", "sha256:", "env:HOME", "file:/etc/passwd", "a@b@c", "a:b:c:d", "2026-13-99", "twt_"}
