package api_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/api"
)

var update = flag.Bool("update", false, "write docs/openapi.json")

const documentFile = "../docs/openapi.json"

// TestDocument: what is published is what is served.
func TestDocument(t *testing.T) {
	t.Parallel()
	want, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(documentFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.json is out of date; run: make docs (-want +got)\n%s", diff)
	}
	f := newFixture(t, storetest.Open(t))
	response, served := f.send("", http.MethodGet, "/api/openapi.json", "")
	if served != string(want) || response.Header.Get("Content-Type") != "application/openapi+json" {
		t.Errorf("served is another document, as %s", response.Header.Get("Content-Type"))
	}
}

// TestDocumentsEveryOperation: docs/api.md has a row for each, and no other.
func TestDocumentsEveryOperation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		rows[row[1]] = true
	}
	for path, methods := range read(t).Paths {
		for method := range methods {
			name := strings.ToUpper(method) + " " + strings.TrimPrefix(path, "/api/v1")
			if !rows[name] {
				t.Errorf("docs/api.md has no %s", name)
			}
			delete(rows, name)
		}
	}
	for name := range rows {
		t.Errorf("docs/api.md has %s, which there is not", name)
	}
}

// TestEveryOperationIsServed: each value of package operations is in the document.
func TestEveryOperationIsServed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../operations/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var defined []string
	collect := func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if generic, ok := literal.Type.(*ast.IndexListExpr); ok && generic.X.(*ast.Ident).Name == "Operation" {
			for _, element := range literal.Elts {
				if pair := element.(*ast.KeyValueExpr); pair.Key.(*ast.Ident).Name == "Name" {
					defined = append(defined, strings.Trim(pair.Value.(*ast.BasicLit).Value, `"`))
				}
			}
		}
		return true
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, collect)
	}
	slices.Sort(defined)
	if diff := cmp.Diff(defined, read(t).operations()); diff != "" || len(defined) == 0 {
		t.Errorf("operations (-defined +served)\n%s", diff)
	}
}

// TestRequestsAreRead: the request of an operation that is posted is its body, that of
// another is in the address.
func TestRequestsAreRead(t *testing.T) {
	t.Parallel()
	for path, methods := range read(t).Paths {
		for method, operation := range methods {
			if (strings.EqualFold(method, http.MethodPost)) != (operation.RequestBody != nil) {
				t.Errorf("%s %s: the request is read from elsewhere", method, path)
			}
		}
	}
}
