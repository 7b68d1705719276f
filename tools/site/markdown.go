package main

import (
	"bytes"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"unicode"

	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	highlighting "github.com/yuin/goldmark-highlighting/v2"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	render "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// markdown reads documents as GitHub does. They are our own, so their HTML stays.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM, highlighting.NewHighlighting(highlighting.WithFormatOptions(html.WithClasses(true)))),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(render.WithUnsafe()),
)

// parse reads a page's document and finds its title, headings and sections.
func (p *page) parse() {
	p.tree = markdown.Parser().Parse(text.NewReader(p.text), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	for _, n := range nodesOf[*ast.Heading](p.tree) {
		id, _ := n.AttributeString("id")
		h := heading{ID: string(id.([]byte)), Text: strings.TrimSpace(textOf(n, p.text)), Level: n.Level}
		if h.Level == 1 {
			p.Title = h.Text
		} else if h.Level <= 3 {
			p.Headings = append(p.Headings, h)
		}
	}
	p.sections = p.split()
}

// anchors gives headings the ids that GitHub gives them, because documents link to
// these.
type anchors map[string]int

func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(value)))
	again := a[id]
	a[id]++
	if again > 0 {
		id += "-" + strconv.Itoa(again)
	}
	return []byte(id)
}

func (a anchors) Put(value []byte) { a[string(value)]++ }

// render makes the page's HTML.
func (s *site) render(p *page) error {
	if p.Title == "" {
		return fmt.Errorf("the document has no title")
	}
	if err := s.rewrite(p); err != nil {
		return err
	}
	for _, n := range nodesOf[*ast.Heading](p.tree) {
		if n.Level > 1 {
			n.AppendChild(n, anchorLink(n))
		}
	}
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, p.text, p.tree); err != nil {
		return err
	}
	p.Body = template.HTML(scrollable.Replace(body.String()))
	return nil
}

// anchorLink is a heading's link to itself.
func anchorLink(n *ast.Heading) ast.Node {
	id, _ := n.AttributeString("id")
	link := ast.NewLink()
	link.Destination = append([]byte("#"), id.([]byte)...)
	link.SetAttributeString("class", []byte("anchor"))
	link.SetAttributeString("aria-label", []byte("Link to this section"))
	link.AppendChild(link, ast.NewString([]byte("#")))
	return link
}

// scrollable lets wide tables and code scroll by themselves, also with the keyboard.
var scrollable = strings.NewReplacer("<table>", `<div class="wide" tabindex="0" role="group" aria-label="Table"><table>`, "</table>", "</table></div>", "<pre><code", `<pre tabindex="0"><code`)

// codeColors is the style sheet of highlighted code, for light and dark.
func codeColors() ([]byte, error) {
	var sheet bytes.Buffer
	formatter := html.New(html.WithClasses(true))
	if err := formatter.WriteCSS(&sheet, styles.Get("github")); err != nil {
		return nil, err
	}
	sheet.WriteString("@media (prefers-color-scheme: dark) {\n")
	if err := formatter.WriteCSS(&sheet, styles.Get("github-dark")); err != nil {
		return nil, err
	}
	sheet.WriteString("}\n")
	return sheet.Bytes(), nil
}
