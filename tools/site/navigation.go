package main

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"
)

// group is a part of the navigation.
type group struct {
	Name  string
	Items []item
}

type item struct{ File, Title string }

// navigation takes the groups from the index: a bold line, and the links of the
// table below it. Every page must be there.
func (s *site) navigation() error {
	index := s.page(indexSource)
	listed := map[string]bool{index.File: true}
	s.groups = []group{{Items: []item{{index.File, "All pages"}}}}
	for n := index.tree.FirstChild(); n != nil; n = n.NextSibling() {
		switch n.(type) {
		case *ast.Paragraph:
			if bold := nodesOf[*ast.Emphasis](n); len(bold) > 0 {
				s.groups = append(s.groups, group{Name: textOf(bold[0], index.text)})
			}
		case *table.Table:
			last := &s.groups[len(s.groups)-1]
			last.Items = append(last.Items, s.itemsOf(n, listed)...)
		}
	}
	for _, p := range s.pages {
		if !listed[p.File] && p.source != "README.md" {
			return fmt.Errorf("%s is missing in %s", p.source, indexSource)
		}
	}
	return nil
}

// itemsOf are the pages that a table names in its first column.
func (s *site) itemsOf(n ast.Node, listed map[string]bool) []item {
	var items []item
	for _, row := range nodesOf[*table.TableRow](n) {
		for _, link := range nodesOf[*ast.Link](row.FirstChild()) {
			for _, p := range s.pages {
				if p.File == string(link.Destination) {
					items = append(items, item{p.File, textOf(link, s.page(indexSource).text)})
					listed[p.File] = true
				}
			}
		}
	}
	return items
}
