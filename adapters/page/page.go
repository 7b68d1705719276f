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
	"net/url"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Reader is what the page reads from.
type Reader interface {
	Installation(context.Context) (Installation, error)
	Overview(context.Context, watch.OverviewFilter) (page []watch.Summary, total int, err error)
	Histories(context.Context, []image.Target) (map[image.Target][]watch.CountsAt, error)
	View(context.Context, image.Target) (watch.RecordView, error)
	// Unreadable are the files of an image that could not be read for their
	// packages; errkind.NotFound for an image without a record.
	Unreadable(context.Context, image.Digest) ([]sbom.Unreadable, error)
	// NotificationPage lists notifications, the newest first.
	NotificationPage(context.Context, NotificationFilter) ([]Notification, error)
	// NotificationByID is one of them; errkind.NotFound without.
	NotificationByID(ctx context.Context, id string) (notification.Notification, error)
	DeliveriesOf(ctx context.Context, notification string) ([]delivery.Delivery, error)
	Endpoints(context.Context) ([]endpoint.Endpoint, error)
	Backlog(ctx context.Context, endpoint string) (delivery.Backlog, error)
	DeliveryCounts(ctx context.Context, endpoint string) (map[delivery.State]int, error)
	// GivenUp sums up, for each endpoint, what was given up since that time.
	GivenUp(ctx context.Context, since time.Time) (map[string]delivery.GivenUp, error)
	RegistryStates(context.Context) ([]polling.RegistryState, error)
	Feed(context.Context) (databuild.Feed, error)
}

// Installation is the whole installation in a few numbers.
type Installation struct {
	Pass, Fail, NotEvaluated int
	FailingTags              int
	NotCovered               int // tags of a distribution that the data does not cover
	PendingDeliveries        int
	FailedDeliveries         int
	Endpoints                map[delivery.Health]int
	FeedBuilt                time.Time // zero without data
	FeedHeld, FeedFailing    bool
	FeedConditions           int // that its current data is in
}

// Tags is the number of watched tags.
func (o Installation) Tags() int { return o.Pass + o.Fail + o.NotEvaluated }

// UnhealthyEndpoints are those that do not get everything.
func (o Installation) UnhealthyEndpoints() int {
	return o.Endpoints[delivery.HealthFailing] + o.Endpoints[delivery.HealthGivingUp] + o.Endpoints[delivery.HealthDisabled]
}

// NotificationFilter selects notifications.
type NotificationFilter struct {
	Before  int64 // Seq; 0 for the newest
	Type    notification.Type
	Subject string
	Limit   int
}

// Notification is a notification with its place in their order.
type Notification struct {
	Seq int64
	notification.Notification
}

// Options are what a page is made from.
type Options struct {
	Read Reader
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

// queryTimeout bounds what one page reads.
const queryTimeout = 10 * time.Second

// New makes the status page, which needs the root of its server.
func New(options Options) (*Site, error) {
	s := &Site{Options: options, pages: map[string]*template.Template{},
		guard: guard{token: options.Token, tokens: options.Tokens, sessions: options.Sessions, now: options.Now, guesses: httpserver.NewGuesses()}}
	for _, name := range []string{"tags", "tag", "notifications", "notification", "endpoints", "registries", "feed", "login", "problem"} {
		parsed, err := template.New("layout.html").Funcs(s.functions()).ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read the page %s: %w", name, err)
		}
		s.pages[name] = parsed
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serve("tags", s.tags))
	mux.HandleFunc("GET /tag", s.serve("tags", s.tag))
	mux.HandleFunc("GET /notifications", s.serve("notifications", s.notifications))
	mux.HandleFunc("GET /notification", s.serve("notifications", s.notification))
	mux.HandleFunc("GET /endpoints", s.serve("endpoints", s.endpoints))
	mux.HandleFunc("GET /registries", s.serve("registries", s.registries))
	mux.HandleFunc("GET /feed", s.serve("feed", s.feed))
	mux.HandleFunc("GET /", s.nowhere)
	outer := http.NewServeMux()
	outer.HandleFunc("GET /style.css", serveStyle)
	outer.HandleFunc("GET /login", s.loginByToken)
	outer.HandleFunc("POST /login", s.login)
	outer.HandleFunc("POST /logout", s.logout)
	outer.Handle("/", s.admit(mux))
	s.Handler = secured(outer)
	return s, nil
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
	Version string
	Now     time.Time
	Content any
}

// view is the content of one page.
type view struct {
	template, title string
	content         any
}

// serve answers with what read finds for the query of the address.
func (s *Site) serve(section string, read func(context.Context, url.Values) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		v, err := read(ctx, r.URL.Query())
		if err != nil {
			s.problem(w, r, section, err)
			return
		}
		s.write(w, r, http.StatusOK, v.template, frame{Title: v.title, Section: section, Content: v.content})
	}
}

func (s *Site) write(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.Version, f.Now, f.Signed = s.Version, s.Now().UTC(), s.Token != "" && name != "login"
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
	switch {
	case errors.Is(err, errkind.NotFound):
		status, title, text = http.StatusNotFound, "Not found", "There is nothing of this name, or it is no longer watched."
	case errors.Is(err, errkind.Invalid):
		status, title, text = http.StatusBadRequest, "Invalid address", "The address of this page has an invalid parameter."
	default:
		s.Log.WarnContext(r.Context(), "cannot read the status page's data", "error", err)
	}
	s.write(w, r, status, "problem", frame{Title: title, Section: section, Content: text})
}

// nowhere answers addresses without a page.
func (s *Site) nowhere(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, http.StatusNotFound, "problem", frame{Title: "Not found", Section: "none", Content: "There is no page at this address."})
}
