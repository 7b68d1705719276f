// Package page is the status page: the watched tags and their state, for people
// with a browser. It only reads. It needs no script and nothing from other sites,
// and treats every text that it shows as hostile: names of tags and packages,
// descriptions of vulnerabilities.
package page

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/token"
)

// Options are what a page is made from.
type Options struct {
	Read Reader
	// Within reads for a token that is limited to some tags. What is about the whole
	// installation fails with ErrWhole.
	Within func(token.Bounds) Reader
	// Open needs no token: only this machine has access.
	Open bool
	// Token admits readers, as those of the HTTP API do; empty for none.
	Token string
	// Tokens are those of the HTTP API.
	Tokens httpserver.Tokens
	// Sessions store who signed in with the token; not needed without one.
	Sessions Sessions
	// UI is the address of Temporal's Web UI, with the namespace; empty for no
	// links.
	UI string
	// WorkflowID is the id of a tag's workflow.
	WorkflowID func(image.Target) string
	Version    string
	Now        func() time.Time
	Log        *slog.Logger
}

// Site serves the pages.
type Site struct {
	Options
	http.Handler
	pages map[string]*template.Template
	guard guard
}

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var style []byte

// ErrWhole is for what only readers of the whole installation may see.
var ErrWhole = errors.New("about the whole installation")

// queryTimeout bounds what one page reads.
const queryTimeout = 10 * time.Second

// New makes the status page, which needs the root of its server.
func New(options Options) (*Site, error) {
	s := &Site{Options: options, pages: map[string]*template.Template{},
		guard: guard{token: options.Token, tokens: options.Tokens, sessions: options.Sessions, now: options.Now, guesses: httpserver.NewGuesses()}}
	for _, name := range pageNames {
		parsed, err := template.New("layout.html").Funcs(s.functions()).ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read the page %s: %w", name, err)
		}
		s.pages[name] = parsed
	}
	mux := http.NewServeMux()
	s.route(mux)
	outer := http.NewServeMux()
	outer.HandleFunc("GET /style.css", serveStyle)
	outer.HandleFunc("GET /login", s.loginByToken)
	outer.HandleFunc("POST /login", s.login)
	outer.HandleFunc("POST /logout", s.logout)
	outer.Handle("/", s.admit(mux))
	s.Handler = secured(outer)
	return s, nil
}

// pageNames are the templates of pages.
var pageNames = []string{"tags", "tag", "policyrows", "search", "notifications", "notification", "deliveries", "endpoints", "repositories",
	"sources", "source", "policies", "policy", "registries", "feed", "audit", "login", "problem"}

// route leads addresses to what is shown there.
func (s *Site) route(mux *http.ServeMux) {
	for address, page := range map[string]struct {
		section string
		read    func(context.Context, *parameters) (view, error)
	}{
		"/{$}": {"tags", s.tags}, "/tag": {"tags", s.tag}, "/tag/policy": {"tags", s.tagPolicy}, "/search": {"search", s.search},
		"/notifications": {"notifications", s.notifications}, "/notification": {"notifications", s.notification}, "/deliveries": {"deliveries", s.deliveries},
		"/endpoints": {"endpoints", s.endpoints}, "/repositories": {"repositories", s.repositories}, "/sources": {"sources", s.sources}, "/source": {"sources", s.source},
		"/policies": {"policies", s.policies}, "/policy": {"policies", s.policy}, "/registries": {"registries", s.registries}, "/feed": {"feed", s.feed}, "/audit": {"audit", s.audit},
	} {
		mux.HandleFunc("GET "+address, s.serve(page.section, page.read))
	}
	mux.HandleFunc("GET /tag/vulnerabilities.csv", s.download(s.vulnerabilitiesCSV))
	mux.HandleFunc("GET /tag/vulnerabilities.json", s.download(s.vulnerabilitiesJSON))
	mux.HandleFunc("GET /tag/sbom.json", s.download(s.sbom))
	mux.HandleFunc("GET /policy.json", s.download(s.policyJSON))
	mux.HandleFunc("GET /badge/{name...}", s.badge)
	mux.HandleFunc("GET /", s.nowhere)
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(style) // the reader has gone
}

// secured forbids the browser everything that these pages do not need.
//
// Specification: https://www.w3.org/TR/CSP3/
func secured(next http.Handler) http.Handler {
	policy := strings.Join([]string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// frame is what all pages show around their content.
type frame struct {
	Title   string
	Section string // of the navigation
	Signed  bool   // there is something to sign out of
	Whole   bool   // the reader may see the whole installation
	Version string
	Now     time.Time
	Content any
}

// view is the content of one page.
type view struct {
	template, title string
	content         any
}

// serve answers with what read finds for the parameters of the address.
func (s *Site) serve(section string, read func(context.Context, *parameters) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		v, err := read(ctx, parametersOf(r.URL))
		if err != nil {
			s.problem(w, r, section, err)
			return
		}
		s.write(w, r, http.StatusOK, v.template, frame{Title: v.title, Section: section, Content: v.content})
	}
}

func (s *Site) write(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.Version, f.Now, f.Signed, f.Whole = s.Version, s.Now().UTC(), s.Token != "" && name != "login", readingOf(r.Context()).whole
	var text strings.Builder
	if err := s.pages[name].ExecuteTemplate(&text, "layout.html", f); err != nil {
		s.Log.ErrorContext(r.Context(), "cannot render the status page", "page", name, "error", err)
		http.Error(w, "cannot render the page; the worker's log has the reason", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, plain.Text(text.String())) // the reader has gone
}

// problem shows why there is no page. Errors of the database go to the log only.
func (s *Site) problem(w http.ResponseWriter, r *http.Request, section string, err error) {
	status, title, text := http.StatusServiceUnavailable, "Not available", "The database does not respond. Try again in a moment; the worker's log has the error."
	var invalid invalidParameter
	var pending notYet
	switch {
	case errors.Is(err, ErrWhole):
		status, title, text = http.StatusForbidden, "Not allowed", "This page is about the whole installation, and your token is limited to some tags."
	case errors.Is(err, errkind.NotFound):
		status, title, text = http.StatusNotFound, "Not found", "There is nothing of this name, or it is no longer watched."
	case errors.As(err, &invalid):
		status, title, text = http.StatusBadRequest, "Invalid address", invalid.text
	case errors.Is(err, errkind.Invalid):
		status, title, text = http.StatusBadRequest, "Invalid address", "The address of this page has an invalid parameter. Begin at the first page of the list."
	case errors.As(err, &pending):
		status, title, text = http.StatusConflict, "Not yet", pending.text
	default:
		s.Log.WarnContext(r.Context(), "cannot read the status page's data", "error", err)
	}
	s.write(w, r, status, "problem", frame{Title: title, Section: section, Content: text})
}

// nowhere answers addresses without a page.
func (s *Site) nowhere(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, http.StatusNotFound, "problem", frame{Title: "Not found", Section: "none", Content: "There is no page at this address."})
}
