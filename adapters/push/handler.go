package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// maxBody is far above what any registry sends of a push.
	maxBody = 1 << 20
	// maxOpen is how many requests that proved themselves are served at the same
	// time.
	maxOpen = 64
	// maxUnproven is how many bodies are read at the same time to verify their
	// signature, and maxUnprovenOfOne of them from one client.
	maxUnproven, maxUnprovenOfOne = 64, 8
	// signedTimeout is for such a body.
	signedTimeout = 5 * time.Second
	// perSecond and burst bound the pushes of one source.
	perSecond, burst = 50, 500
)

// Verdict is the outcome of a request.
type Verdict string

// The verdicts.
const (
	Woken     Verdict = "woken"     // watched tags are checked
	Ignored   Verdict = "ignored"   // nothing that it names is watched
	Refused   Verdict = "refused"   // it does not prove that it comes from the source
	Malformed Verdict = "malformed" // not a body of the source's kind
	Limited   Verdict = "limited"   // too many, or too large
	Failed    Verdict = "failed"    // by our own fault; the sender may try again
)

// Verdicts are all of them.
var Verdicts = []Verdict{Woken, Ignored, Refused, Malformed, Limited, Failed}

// Options are what a handler is made from.
type Options struct {
	Sources []Source
	Secrets Secrets
	// Wake makes the watched tags and repositories of the events due, and returns
	// their number.
	Wake func(context.Context, []Event) (int, error)
	// Observe is called for every request; source is "" for one without a valid
	// source. Err has the reason, for the log, and nothing of the request.
	Observe func(ctx context.Context, source string, verdict Verdict, err error)
}

// handler serves POST /push/NAME.
type handler struct {
	sources map[string]*served
	wake    func(context.Context, []Event) (int, error)
	observe func(context.Context, string, Verdict, error)
	open    *semaphore.Weighted
	// unproven are for requests that have not proved where they come from.
	unproven *httpserver.Places
}

type served struct {
	Source
	gate      gate
	rateLimit *rate.Limiter
}

// NewHandler serves the sources. A secret that cannot be read, or is too short,
// is an error now rather than with the first push.
func NewHandler(options Options) (http.Handler, error) {
	h := &handler{sources: map[string]*served{}, wake: options.Wake, observe: options.Observe,
		open: semaphore.NewWeighted(maxOpen), unproven: httpserver.NewPlaces(maxUnproven, maxUnprovenOfOne)}
	for _, source := range options.Sources {
		of, found := source.Kind.trait()
		if !found {
			return nil, fmt.Errorf("push source %s: kind %q: %w", source.Name, source.Kind, errkind.Invalid)
		}
		one := &served{Source: source, rateLimit: rate.NewLimiter(perSecond, burst),
			gate: gate{secret: source.Secret, proofs: of.proofs, secrets: options.Secrets}}
		if source.Audience != "" {
			var err error
			if one.gate.token, err = newTokenCheck(source); err != nil {
				return nil, fmt.Errorf("push source %s: %w", source.Name, err)
			}
		}
		if source.Secret != "" {
			if _, err := one.gate.accepted(); err != nil {
				return nil, fmt.Errorf("push source %s: %w", source.Name, err)
			}
		}
		h.sources[source.Name] = one
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /push/{name}", h.serve)
	return mux, nil
}

// serve takes one request.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	source := h.sources[r.PathValue("name")]
	if source == nil {
		h.answer(w, r, "", 0, errRefused)
		return
	}
	woken, err := h.take(w, r, source)
	h.answer(w, r, source.Name, woken, err)
}

// take requires a proof of where a request comes from before it gives the request a
// place, so that strangers hold none.
func (h *handler) take(w http.ResponseWriter, r *http.Request, source *served) (woken int, err error) {
	signed, err := source.gate.admit(r)
	if err != nil {
		return 0, err
	}
	var body []byte
	if signed {
		if body, err = h.readSigned(w, r, source.gate); err != nil {
			return 0, err
		}
	}
	if !source.rateLimit.Allow() || !h.open.TryAcquire(1) {
		return 0, errBusy
	}
	defer h.open.Release(1)
	if !signed {
		if body, err = read(w, r); err != nil {
			return 0, err
		}
	}
	events, err := Parse(source.Source, body)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if woken, err = h.wake(r.Context(), events); err != nil {
		return woken, &failure{err}
	}
	return woken, nil
}

// readSigned reads and verifies a body that is its own proof. Until then the sender
// is a stranger: it gets little time, and one of the few places for its client.
func (h *handler) readSigned(w http.ResponseWriter, r *http.Request, by gate) ([]byte, error) {
	client := ipclass.Client(r.RemoteAddr)
	if !h.unproven.Enter(client) {
		return nil, errBusy
	}
	defer h.unproven.Leave(client)
	wire := http.NewResponseController(w)
	_ = wire.SetReadDeadline(time.Now().Add(signedTimeout)) // where that is not possible, the server's holds
	body, err := read(w, r)
	if err != nil {
		return nil, err
	}
	return body, by.verify(r, body)
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, unread(err)
	}
	return body, nil
}

var (
	errBusy  = fmt.Errorf("too many requests: %w", errkind.Unavailable)
	errLarge = fmt.Errorf("the body has more than %d bytes: %w", maxBody, errkind.Limit)
)

// unread is the error for a body that could not be read to its end.
func unread(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errLarge
	}
	return fmt.Errorf("the body ended early: %w", errkind.Invalid)
}

// failure is an error that is ours and not the sender's.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// answer gives the sender what it needs, and the observer everything.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, source string, woken int, err error) {
	verdict, status, text := outcome(err)
	if err == nil && woken > 0 {
		verdict = Woken
	}
	h.observe(r.Context(), source, verdict, err)
	if err != nil {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, text, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]int{"woken": woken}) // the sender has gone
}

// outcome decides how a request is answered.
func outcome(err error) (verdict Verdict, status int, text string) {
	_, ours := errors.AsType[*failure](err)
	switch {
	case err == nil:
		return Ignored, http.StatusOK, ""
	case ours: // whatever kind it has
	case errors.Is(err, errRefused):
		return Refused, http.StatusUnauthorized, "not authorized"
	case errors.Is(err, errBusy):
		return Limited, http.StatusTooManyRequests, "too many requests"
	case errors.Is(err, errkind.Limit):
		return Limited, http.StatusRequestEntityTooLarge, err.Error()
	case errors.Is(err, errkind.Invalid):
		return Malformed, http.StatusBadRequest, err.Error()
	}
	return Failed, http.StatusServiceUnavailable, "temporarily unavailable; try again"
}
