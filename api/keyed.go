package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// Keys keep the answers to requests that have an Idempotency-Key.
type Keys interface {
	// BeginKeyed notes a request; if it is not the first one with its key, it returns the
	// hash of that one, and its answer.
	BeginKeyed(ctx context.Context, asked token.Keyed) (first bool, before string, answer token.KeyedAnswer, err error)
	FinishKeyed(ctx context.Context, asked token.Keyed, answer token.KeyedAnswer) error
	ForgetKeyed(ctx context.Context, asked token.Keyed) error
}

const (
	keyHeader = "Idempotency-Key"
	// longestKey is how long a key may be.
	longestKey = 200
	// mostKept is how large an answer may be to be kept.
	mostKept = 256 << 10
	// keepTimeout is how long the database may take to keep an answer, also that of a
	// client that has gone.
	keepTimeout = 5 * time.Second
)

// keyParameter describes the header.
var keyParameter = &huma.Param{Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(longestKey)},
	Description: "A text of the client's choice. For 24 hours, the same request with the same key and token is not carried out again, but gets the first answer."}

const wrongKey = "this does not take an " + keyHeader + ", or the key is longer than 200 characters"

// refuseKey refuses a key that the request is not kept by.
func refuseKey(api huma.API, creates bool) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if key := ctx.Header(keyHeader); key != "" && (!creates || len(key) > longestKey) {
			_ = huma.WriteErr(api, ctx, http.StatusBadRequest, wrongKey) // the client has gone
			return
		}
		next(ctx)
	}
}

// keyed carries a request with a key out once. Only what was done is kept: a request that
// was refused or failed is carried out when it comes again.
func (s *server) keyed(next http.Handler) http.Handler {
	creating := map[string]route{}
	for _, r := range routes {
		if r.creates {
			creating[r.Method+" "+r.Path] = r
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		if key == "" || r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		created, known := creating[r.Method+" "+r.URL.Path]
		switch {
		case !strings.HasPrefix(r.URL.Path, prefix):
			refuse(w, r, http.StatusBadRequest, wrongKey)
			return
		case !known || len(key) > longestKey: // the route refuses it, after those who may not use the route
			next.ServeHTTP(w, r)
			return
		}
		asked := token.Keyed{Token: callerOf(r.Context()).ID, Key: key, Request: hashOf(r), Begun: s.Now().UTC()}
		first, before, answer, err := s.Keys.BeginKeyed(r.Context(), asked)
		switch {
		case errors.Is(err, errkind.Limit):
			refuse(w, r, http.StatusTooManyRequests, errkind.Text(err))
		case err != nil:
			s.Log.WarnContext(r.Context(), "cannot read the key of a request", "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusServiceUnavailable, "the database does not respond; try again in a moment")
		case first:
			s.answerOnce(w, r, next, asked, created.secret)
		case before != asked.Request:
			refuse(w, r, http.StatusUnprocessableEntity, "this "+keyHeader+" was used for another request; use another key for each one")
		case answer.Status == 0:
			w.Header().Set("Retry-After", "1")
			refuse(w, r, http.StatusConflict, "the request with this "+keyHeader+" is under way; try again in a moment")
		default:
			w.Header().Set("Content-Type", answer.Type)
			if answer.Location != "" {
				w.Header().Set("Location", answer.Location)
			}
			w.Header().Set("Idempotency-Replayed", "true")
			w.WriteHeader(answer.Status)
			_, _ = w.Write(answer.Body) // the client has gone
		}
	})
}

// answerOnce carries a request out and keeps its answer.
func (s *server) answerOnce(w http.ResponseWriter, r *http.Request, next http.Handler, asked token.Keyed, secret bool) {
	answered := &recorder{ResponseWriter: w}
	defer func() { s.keep(r.Context(), asked, answered, secret) }() // also if it panics
	next.ServeHTTP(answered, r)
	if answered.status == 0 {
		answered.status = http.StatusOK
	}
	w.WriteHeader(answered.status)
	_, _ = w.Write(answered.content.Bytes()) // the client has gone
}

func (s *server) keep(ctx context.Context, asked token.Keyed, answered *recorder, secret bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	var err error
	answer := token.KeyedAnswer{Status: answered.status, Type: answered.Header().Get("Content-Type"), Location: answered.Header().Get("Location"), Body: answered.content.Bytes()}
	switch {
	case answered.status < 200 || answered.status > 299:
		err = s.Keys.ForgetKeyed(ctx, asked)
	case secret:
		err = s.Keys.FinishKeyed(ctx, asked, keptProblem("the request with this "+keyHeader+" was carried out, and its answer, which has a secret, is shown only once"))
	case len(answer.Body) > mostKept:
		err = s.Keys.FinishKeyed(ctx, asked, keptProblem("the request with this "+keyHeader+" was carried out, and its answer is too long to be kept"))
	default:
		err = s.Keys.FinishKeyed(ctx, asked, answer)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "cannot keep the answer to a request with a key", "error", err)
	}
}

// keptProblem is kept in place of an answer that must not be.
func keptProblem(detail string) token.KeyedAnswer {
	body, _ := json.Marshal(newProblem(http.StatusConflict, detail)) // of texts and numbers only
	return token.KeyedAnswer{Status: http.StatusConflict, Type: "application/problem+json", Body: body}
}

// hashOf names a request, and leaves its body as it is.
func hashOf(r *http.Request) string {
	content, _ := io.ReadAll(r.Body) // from memory, see limited
	r.Body = io.NopCloser(bytes.NewReader(content))
	sum := sha256.New()
	for _, part := range []string{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match"), string(content)} {
		one := sha256.Sum256([]byte(part))
		sum.Write(one[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}
