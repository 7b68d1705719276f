package main

import (
	"embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
)

//go:embed assets
var assets embed.FS

var layout = template.Must(template.ParseFS(assets, "assets/page.html"))

// build writes the site of a repository's documents, and returns the number of its
// pages.
func build(root, out string) (int, error) {
	s, err := read(root)
	if err != nil {
		return 0, err
	}
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	if err := s.writePages(out); err != nil {
		return 0, err
	}
	for to, from := range s.copies {
		content, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			return 0, err
		}
		if err := write(filepath.Join(out, to), content); err != nil {
			return 0, err
		}
	}
	return len(s.pages), s.writeAssets(out)
}

// shown is what the layout shows.
type shown struct {
	*page
	Groups []group
}

func (s *site) writePages(out string) error {
	for _, p := range s.pages {
		var html strings.Builder
		if err := layout.Execute(&html, shown{page: p, Groups: s.groups}); err != nil {
			return fmt.Errorf("%s: %w", p.source, err)
		}
		if err := write(filepath.Join(out, p.File), []byte(html.String())); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) writeAssets(out string) error {
	style, err := assets.ReadFile("assets/site.css")
	if err != nil {
		return err
	}
	colors, err := codeColors()
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/site.js")
	if err != nil {
		return err
	}
	index, err := s.searchIndex()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"site.css": append(style, colors...), "site.js": script, "search-index.js": index} {
		if err := write(filepath.Join(out, name), content); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
