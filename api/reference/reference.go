// Package reference shows an OpenAPI document to people: a page of all operations, and
// one for each. They need no script and nothing from elsewhere, and are made from the
// document alone.
package reference

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// The addresses of the pages and of their style sheet, as patterns.
const (
	Home      = "/api/{$}"
	Operation = "/api/operations/{id}"
	Style     = "/api/reference.css"
)

// Shows reports that a page is at an address.
func Shows(path string) bool { return path == "/api/" || strings.HasPrefix(path, "/api/operations/") }

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var style []byte

// Pages are those of one document.
type Pages struct {
	home       homePage
	operations map[string]operationPage
	templates  *template.Template
}

// New reads a document, in JSON.
func New(text []byte) (*Pages, error) {
	var read document
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	parsed, err := template.New("pages").ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages of the reference: %w", err)
	}
	p := &Pages{home: read.home(), operations: map[string]operationPage{}, templates: parsed}
	for _, group := range p.home.Groups {
		for _, each := range group.Operations {
			p.operations[each.ID] = read.page(each)
		}
	}
	return p, nil
}

// ServeHome answers with the page of all operations.
func (p *Pages) ServeHome(w http.ResponseWriter, _ *http.Request) { p.write(w, "home.html", p.home) }

// ServeOperation answers with the page of the operation of that id, and reports whether
// there is one.
func (p *Pages) ServeOperation(w http.ResponseWriter, id string) bool {
	page, found := p.operations[id]
	if found {
		p.write(w, "operation.html", page)
	}
	return found
}

// ServeStyle answers with the style sheet.
func ServeStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style) // the reader has gone
}

// policy forbids the browser everything that the pages do not need.
//
// Specification: https://www.w3.org/TR/CSP3/
const policy = "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

func (p *Pages) write(w http.ResponseWriter, name string, page any) {
	var text strings.Builder
	if err := p.templates.ExecuteTemplate(&text, name, page); err != nil {
		http.Error(w, "cannot render the page", http.StatusInternalServerError) // a test renders all of them
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write([]byte(text.String())) // the reader has gone
}
