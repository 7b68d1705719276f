package tagwatch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// replaced are words that names used to have in place of the terms of the field.
var replaced = map[string]string{
	"told": "notified", "sweep": "poll", "swept": "polled", "damp": "debounce", "damped": "debounced", "gathered": "pending summary",
	"generation": "build", "parked": "archived", "board": "overview", "excuse": "waiver", "excused": "waived", "hasten": "make due",
	"scout": "probe", "cage": "sandbox", "lookout": "file watcher", "hush": "mute", "gravest": "most severe", "flaw": "vulnerability",
	"anyway": "force", "tend": "housekeeping",
}

// foreign are names of libraries.
var foreign = map[string]bool{"DocGenerationFlag": true}

var wordOf = regexp.MustCompile(`[A-Z]?[a-z]+`)

// TestWords holds names to the terms of the field.
func TestWords(t *testing.T) {
	for file := range sources(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			name, found := n.(*ast.Ident)
			if !found || foreign[name.Name] {
				return true
			}
			for _, word := range wordOf.FindAllString(name.Name, -1) {
				if term := replaced[strings.ToLower(word)]; term != "" {
					t.Errorf("%s: the name %s has the word %q, say %q", file, name.Name, word, term)
				}
			}
			return true
		})
	}
}
