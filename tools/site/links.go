package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// linksOf are the destinations of a page's links.
func linksOf(p *page) []string {
	var all []string
	for _, link := range nodesOf[*ast.Link](p.tree) {
		all = append(all, string(link.Destination))
	}
	return all
}

// nodesOf are all nodes of a type below another.
func nodesOf[T ast.Node](tree ast.Node) []T {
	var all []T
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if found, ok := n.(T); ok && entering {
			all = append(all, found)
		}
		return ast.WalkContinue, nil
	})
	return all
}

// resolve is the path in the repository that a link leads to, and the anchor there.
// The path is empty for a link to another host.
func resolve(from, link string) (target, anchor string) {
	parsed, err := url.Parse(link)
	if err != nil || parsed.IsAbs() || parsed.Host != "" {
		return "", ""
	}
	if parsed.Path == "" {
		return from, parsed.Fragment
	}
	return path.Join(path.Dir(from), parsed.Path), parsed.Fragment
}

// rewrite makes the links and images of a page lead to files of the site.
func (s *site) rewrite(p *page) error {
	for _, image := range nodesOf[*ast.Image](p.tree) {
		destination, err := s.destination(p.source, string(image.Destination))
		if err != nil {
			return err
		}
		image.Destination = []byte(destination)
	}
	for _, link := range nodesOf[*ast.Link](p.tree) {
		destination, err := s.destination(p.source, string(link.Destination))
		if err != nil {
			return err
		}
		if destination == "" {
			unlink(link)
			continue
		}
		link.Destination = []byte(destination)
	}
	return nil
}

// unlink leaves only the text of a link.
func unlink(link *ast.Link) {
	for child := link.FirstChild(); child != nil; child = link.FirstChild() {
		link.Parent().InsertBefore(link.Parent(), link, child)
	}
	link.Parent().RemoveChild(link.Parent(), link)
}

// destination is a link as it is within the site: to a page, to a copy of a file, or
// elsewhere. It is empty for a folder, which a site without a server cannot list.
func (s *site) destination(from, link string) (string, error) {
	target, anchor := resolve(from, link)
	switch {
	case target == "":
		return link, nil
	case target == from:
		return "#" + anchor, nil
	case s.files[target] != "":
		return strings.TrimSuffix(s.files[target]+"#"+anchor, "#"), nil
	}
	info, err := os.Stat(filepath.Join(s.root, target))
	if err != nil {
		return "", fmt.Errorf("link %s: %w", link, err)
	}
	if info.IsDir() {
		return "", nil
	}
	file, within := strings.CutPrefix(target, "docs/")
	if !within {
		file = "source/" + target + ".txt" // browsers show it
	}
	s.copies[file] = target
	return file, nil
}
