package workflows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// Whoever meets a signal in the Web UI reads there what it asks for, and with which
// input.
func TestEverySignalIsDescribed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	ast.Inspect(file, func(node ast.Node) bool {
		constant, is := node.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(constant.Names[0].Name, "Signal") {
			return true
		}
		named++
		name, _ := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
		if text := signals[name]; !strings.Contains(strings.ToLower(text), "input") {
			t.Errorf("signal %s is described as %q", name, text)
		}
		return true
	})
	if named < 3 || named != len(signals) {
		t.Errorf("%d signals are named and %d described", named, len(signals))
	}
}
