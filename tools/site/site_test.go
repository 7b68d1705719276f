package main

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// built is the site of this repository's documents.
func built(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	if _, err := build("../..", out); err != nil {
		t.Fatal(err)
	}
	return out
}

// pagesOf are the parsed pages of a site by file.
func pagesOf(t *testing.T, out string) map[string]*html.Node {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]*html.Node{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := html.Parse(strings.NewReader(string(content)))
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(file)] = parsed
	}
	return pages
}

func elements(page *html.Node, names ...string) []*html.Node {
	var all []*html.Node
	for n := range page.Descendants() {
		if n.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, n.Data)) {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func idsOf(page *html.Node) map[string]int {
	ids := map[string]int{}
	for _, n := range elements(page) {
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	return ids
}

// TestLinks: each link leads to a file of the site, and each anchor to an element.
func TestLinks(t *testing.T) {
	t.Parallel()
	out := built(t)
	pages := pagesOf(t, out)
	for file, page := range pages {
		for _, n := range elements(page, "a", "img") {
			link, err := url.Parse(attribute(n, "href") + attribute(n, "src"))
			if err != nil || link.String() == "" {
				t.Errorf("%s: invalid link: %v", file, err)
				continue
			}
			if link.IsAbs() {
				continue
			}
			target := file
			if link.Path != "" {
				target = link.Path
			}
			if _, err := os.Stat(filepath.Join(out, target)); err != nil {
				t.Errorf("%s: %s: %v", file, link, err)
			}
			if link.Fragment != "" && idsOf(pages[target])[link.Fragment] == 0 {
				t.Errorf("%s: %s has no such anchor", file, link)
			}
		}
	}
}

// TestNoRequests: no page, style or script loads anything from another host.
func TestNoRequests(t *testing.T) {
	t.Parallel()
	out := built(t)
	for file, page := range pagesOf(t, out) {
		for _, n := range elements(page) {
			loaded := attribute(n, "src") + attribute(n, "srcset") + attribute(n, "poster")
			if n.Data == "link" {
				loaded += attribute(n, "href")
			}
			if strings.Contains(loaded, "//") || n.Data == "iframe" || n.Data == "object" {
				t.Errorf("%s: <%s> loads %q", file, n.Data, loaded)
			}
			if n.Data == "script" && attribute(n, "type") == "module" {
				t.Errorf("%s has a module, which no browser loads from the file system", file)
			}
		}
	}
	for _, file := range []string{"site.css", "site.js"} {
		content, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"//", "url(", "@import", "fetch(", "XMLHttpRequest", "import("} {
			for line := range strings.Lines(string(content)) {
				if strings.Contains(line, word) && !strings.HasPrefix(strings.TrimSpace(line), "//") {
					t.Errorf("%s has %s: %s", file, word, line)
				}
			}
		}
	}
}

// TestNavigation: each page leads to every document.
func TestNavigation(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(documents) < 20 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	for file, page := range pagesOf(t, built(t)) {
		listed := map[string]bool{}
		for _, n := range elements(page, "nav") {
			if attribute(n, "aria-label") == "Pages" {
				for _, link := range elements(n, "a") {
					listed[attribute(link, "href")] = true
				}
			}
		}
		for _, document := range documents {
			if want := fileOf("docs/" + filepath.Base(document)); !listed[want] {
				t.Errorf("%s: %s is missing in the navigation", file, want)
			}
		}
	}
}

// TestStructure: what a screen reader needs to find its way.
func TestStructure(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	for file, page := range pagesOf(t, built(t)) {
		for _, name := range []string{"title", "main", "header", "h1"} {
			if count := len(elements(page, name)); count != 1 {
				t.Errorf("%s has %d <%s>, want 1", file, count, name)
			}
		}
		title := elements(page, "title")[0].FirstChild.Data
		if other := titles[title]; other != "" {
			t.Errorf("%s and %s have the title %q", file, other, title)
		}
		titles[title] = file
		if attribute(elements(page, "html")[0], "lang") != "en" {
			t.Errorf("%s names no language", file)
		}
		for id, count := range idsOf(page) {
			if count > 1 {
				t.Errorf("%s: %d elements have the id %q", file, count, id)
			}
		}
		checkNames(t, file, page)
		checkHeadings(t, file, page)
	}
}

// checkNames: regions have labels, and images have texts.
func checkNames(t *testing.T, file string, page *html.Node) {
	t.Helper()
	for _, n := range elements(page, "nav", "section") {
		if attribute(n, "aria-label") == "" {
			t.Errorf("%s: <%s> has no label", file, n.Data)
		}
	}
	for _, n := range elements(page, "img") {
		if attribute(n, "alt") == "" {
			t.Errorf("%s: the image %s has no text", file, attribute(n, "src"))
		}
	}
}

// checkHeadings: no level is left out.
func checkHeadings(t *testing.T, file string, page *html.Node) {
	t.Helper()
	last := byte('0')
	for _, n := range elements(page, "h1", "h2", "h3", "h4", "h5", "h6") {
		if n.Data[1] > last+1 {
			t.Errorf("%s: %s %q follows h%c", file, n.Data, attribute(n, "id"), last)
		}
		last = n.Data[1]
	}
}
