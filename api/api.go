// Package api serves the operations over HTTP, to programs with a token, and describes
// them in OpenAPI. What an operation checks is not checked here: this package knows who
// asks, and within which limits.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/api/anchore"
	"github.com/tagwatch/tagwatch/api/reference"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// Options are what the API is made from.
type Options struct {
	// System is what the operations work on, for a caller who may do everything.
	System operations.System
	// Tokens read what is stored of tokens.
	Tokens httpserver.Tokens
	// Keys keep the answers to requests with an idempotency key.
	Keys Keys
	// Issuer verifies tokens of an OpenID Connect issuer, which Rules say what to allow; nil
	// for none.
	Issuer Issuer
	Rules  []token.Rule
	// News are what streams wait for.
	News News
	Now  func() time.Time
	Log  *slog.Logger
	// Version is that of the program, which clients of Anchore's API show.
	Version string
	// Observe hears of the status of every answer; may be nil.
	Observe func(status int)
}

// Issuer verifies tokens of an OpenID Connect issuer.
type Issuer interface {
	// Verify reads the claims of a token: errkind.Unauthorized if it is not valid,
	// errkind.Unavailable if that cannot be found out.
	Verify(ctx context.Context, raw string, claims any) error
}

// Server serves the API.
type Server struct {
	http.Handler
	document []byte
}

type server struct {
	Options
	guesses httpserver.Guesses
	callers callers
	places  places
	poller  poller
	sboms   chan struct{} // one for each that is in memory
}

// New makes the API. The handler answers everything below /api, Anchore's API below /v1,
// and /healthz.
func New(options Options) (*Server, error) {
	s := &server{Options: options, guesses: httpserver.NewGuesses(), callers: newCallers(), places: places{held: map[string]int{}}, sboms: make(chan struct{}, sbomsAtOnce),
		poller: poller{news: options.News, now: options.Now, log: options.Log, streams: map[*stream]bool{}}}
	inner := http.NewServeMux()
	described := humago.New(inner, newConfig())
	for _, r := range routes {
		r.register(s, described)
	}
	allowNull(described.OpenAPI().Components.Schemas)
	document, err := documentOf(described)
	if err != nil {
		return nil, err
	}
	pages, err := reference.New(document)
	if err != nil {
		return nil, err
	}
	inner.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if allowed := httpserver.Methods(inner, r); allowed != nil {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			refuse(w, r, http.StatusMethodNotAllowed, r.URL.Path+" does not take "+r.Method+"; see /api/openapi.json")
			return
		}
		refuseAddress(w)
	})
	compatible := anchore.New(anchore.Options{System: s.system, Explain: s.explain, Version: options.Version})
	inner.Handle(anchore.Prefix, compatible)
	inner.Handle(anchore.Prefix+"/", compatible)
	outer := http.NewServeMux()
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	for address, show := range map[string]http.HandlerFunc{
		documentPath: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/openapi+json")
			_, _ = w.Write(document) // the client has gone
		},
		reference.Home: pages.ServeHome,
		reference.Operation: func(w http.ResponseWriter, r *http.Request) {
			if !pages.ServeOperation(w, r.PathValue("id")) {
				refuseAddress(w)
			}
		},
	} {
		outer.Handle("GET "+address, s.onThisMachine(show, s.admit))
	}
	outer.HandleFunc("GET "+reference.Style, reference.ServeStyle)
	outer.Handle("GET /{$}", http.RedirectHandler(strings.TrimSuffix(reference.Home, "{$}"), http.StatusFound))
	outer.Handle("/", s.admit(limited(s.keyed(tagged(inner)))))
	return &Server{Handler: s.observed(secured(outer)), document: document}, nil
}

// documentPath is the address of the OpenAPI document.
const documentPath = "/api/openapi.json"

// onThisMachine serves requests from this machine as they are, and others behind a guard.
func (s *server) onThisMachine(open http.Handler, guard func(http.Handler) http.Handler) http.Handler {
	guarded := guard(open)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if httpserver.OnLoopback(r) {
			open.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// system is what operations work on for the caller of a request.
func (s *server) system(ctx context.Context) *operations.System {
	caller := callerOf(ctx)
	system := s.System
	system.Now, system.Caller, system.Scope, system.Bounds = s.Now().UTC(), caller.Name, caller.Scope, caller.Bounds
	return &system
}
