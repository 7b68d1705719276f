package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/api/anchore"
)

const (
	// maxBody is the largest body of a request, and maxLargeBody that of one with a policy
	// bundle, which has up to 8 MiB, or with a document, in bytes.
	maxBody, maxLargeBody = 1 << 20, 12 << 20
	// requestTimeout is how long a request may take. The server would end it soon after,
	// without an answer.
	requestTimeout = 40 * time.Second
)

func mostBody(large bool) int64 {
	if large {
		return maxLargeBody
	}
	return maxBody
}

// isLarge reports that the body of a request may have a policy bundle or a document.
func isLarge(r *http.Request) bool {
	return anchore.TakesBundle(r) || slices.ContainsFunc(routes, func(known route) bool { return known.large && known.Method == r.Method && known.Path == r.URL.Path })
}

// limited bounds the time of a request, and reads its body, within its limit, before it
// is looked at.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isStream(r) { // which has limits of its own, and reads no body
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody(isLarge(r))))
		if tooLarge, is := errors.AsType[*http.MaxBytesError](err); is {
			refuse(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d MiB", tooLarge.Limit>>20))
			return
		}
		if err != nil {
			refuse(w, r, http.StatusBadRequest, "the body cannot be read")
			return
		}
		if mayHold := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") || r.Header.Get("Content-Type") == ""; len(content) > 0 && !mayHold {
			refuse(w, r, http.StatusUnsupportedMediaType, "the body must be application/json")
			return
		}
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(content))
		next.ServeHTTP(w, r)
	})
}

// tagged gives what is read an ETag, and answers a client that has it already with 304.
// The ETag of settings begins with their edition, which If-Match is about; its rest is the
// hash of the answer, which also shows how things go.
func tagged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || isStream(r) || isSBOM(r) {
			next.ServeHTTP(w, r)
			return
		}
		kept := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(kept, r)
		if kept.status == http.StatusOK {
			sum := sha256.Sum256(kept.content.Bytes())
			etag := `"` + hex.EncodeToString(sum[:16]) + `"`
			if edition := w.Header().Get("ETag"); edition != "" {
				etag = strings.TrimSuffix(edition, `"`) + "-" + etag[1:]
			}
			w.Header().Set("ETag", etag)
			if lists(r.Header.Values("If-None-Match"), etag) {
				w.Header().Del("Content-Type")
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.WriteHeader(kept.status)
		_, _ = w.Write(kept.content.Bytes()) // the client has gone
	})
}

func lists(lines []string, etag string) bool {
	for _, line := range lines {
		for offered := range strings.SplitSeq(line, ",") {
			if offered = strings.TrimPrefix(strings.TrimSpace(offered), "W/"); offered == etag || offered == "*" {
				return true
			}
		}
	}
	return false
}

// recorder keeps an answer back.
type recorder struct {
	http.ResponseWriter
	status  int
	content bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(part []byte) (int, error) { return r.content.Write(part) }

// secured has nobody keep or interpret an answer.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// observed reports every answer, and makes one of what panics.
func (s *server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &watched{ResponseWriter: w}
		defer func() {
			if failed := recover(); failed != nil {
				s.Log.ErrorContext(r.Context(), "request to the API failed", "error", failed)
				if seen.status == 0 {
					refuse(seen, r, http.StatusInternalServerError, "the request failed; the worker's log has the reason")
				}
			}
			if s.Observe != nil {
				s.Observe(seen.status)
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(part []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(part)
}

// Unwrap has the connection's own limits be set by way of this.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
