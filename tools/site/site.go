package main

import (
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// indexSource is the document that lists all others; the navigation comes from it.
const indexSource = "docs/README.md"

// site is the documents as pages. Paths of sources are those in the repository.
type site struct {
	root   string
	pages  []*page
	groups []group
	files  map[string]string // page by source
	copies map[string]string // source by file of the site
}

// page is one document.
type page struct {
	File, Title string
	Body        template.HTML
	Headings    []heading

	source   string
	text     []byte
	tree     ast.Node
	sections []section
}

// heading is one of the table of contents.
type heading struct {
	ID, Text string
	Level    int
}

// read reads and renders all documents.
func read(root string) (*site, error) {
	s := &site{root: root, files: map[string]string{}, copies: map[string]string{}}
	if err := s.find(); err != nil {
		return nil, err
	}
	for _, p := range s.pages {
		if err := s.render(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.source, err)
		}
	}
	return s, s.navigation()
}

// find parses the documents in docs, and those elsewhere that the index links to.
func (s *site) find() error {
	sources, err := filepath.Glob(filepath.Join(s.root, "docs", "*.md"))
	if err != nil {
		return err
	}
	for _, found := range sources {
		if err := s.add(path.Join("docs", filepath.Base(found))); err != nil {
			return err
		}
	}
	for _, link := range linksOf(s.page(indexSource)) {
		target, _ := resolve(indexSource, link)
		if s.files[target] == "" && path.Ext(target) == ".md" {
			if err := s.add(target); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *site) add(source string) error {
	text, err := os.ReadFile(filepath.Join(s.root, source))
	if err != nil {
		return err
	}
	p := &page{source: source, text: text, File: fileOf(source)}
	p.parse()
	s.pages, s.files[source] = append(s.pages, p), p.File
	return nil
}

// fileOf is where a document's page is: all are in one folder.
func fileOf(source string) string {
	if source == indexSource {
		return "index.html"
	}
	return strings.ToLower(strings.TrimSuffix(path.Base(source), ".md")) + ".html"
}

func (s *site) page(source string) *page {
	for _, p := range s.pages {
		if p.source == source {
			return p
		}
	}
	return nil
}
