package main

import (
	"encoding/json"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// section is what a search finds: a heading, and the text below it.
type section struct {
	Page    string `json:"page"` // title
	Heading string `json:"heading"`
	Link    string `json:"link"`
	Text    string `json:"text"`
}

// split divides a page at its headings.
func (p *page) split() []section {
	var all []section
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			id, _ := h.AttributeString("id")
			all = append(all, section{Page: p.Title, Heading: strings.TrimSpace(textOf(h, p.text)), Link: p.File + "#" + string(id.([]byte))})
		} else if len(all) > 0 {
			last := &all[len(all)-1]
			last.Text = strings.TrimSpace(last.Text + " " + strings.Join(strings.Fields(textOf(n, p.text)), " "))
		}
	}
	return all
}

// textOf is the text of a node without markup.
func textOf(n ast.Node, source []byte) string {
	var words strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				words.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			text := n.Value(source)
			if _, code := n.Parent().(*ast.CodeSpan); !code {
				text = util.UnescapePunctuations(text)
			}
			words.Write(text)
			if n.SoftLineBreak() || n.HardLineBreak() {
				words.WriteByte(' ')
			}
		case *ast.RawHTML:
			words.WriteByte(' ')
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			words.Write(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	return words.String()
}

// searchIndex is a script with all sections: browsers let no page read a file of
// data from the file system, but a page may run a script from there.
func (s *site) searchIndex() ([]byte, error) {
	var all []section
	for _, p := range s.pages {
		all = append(all, p.sections...)
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return append(append([]byte("window.searchIndex = "), encoded...), ";\n"...), nil
}
