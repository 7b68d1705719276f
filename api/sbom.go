package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	// largestSBOM is the size of the largest one that is sent, in bytes.
	largestSBOM = 64 << 20
	// sbomsAtOnce are how many are in memory at a time, whoever asks.
	sbomsAtOnce = 4
)

// isSBOM reports that a request is for an SBOM, whose answer is not kept back.
func isSBOM(r *http.Request) bool { return r.URL.Path == prefix+operations.ShowSBOM.Path }

// sbom serves SBOMs as they are stored, which can be megabytes.
func sbom() route {
	o := operations.ShowSBOM
	described := describe(o)
	described.Responses = map[string]*huma.Response{"200": {Description: "The SBOM, of up to 64 MiB.",
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}}}}
	return route{Operation: described, register: func(s *server, api huma.API) {
		served := described
		served.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit), s.inTurn}
		huma.Register(api, served, func(ctx context.Context, in *operations.TagRequest) (*huma.StreamResponse, error) {
			found, err := o.Run(ctx, s.system(ctx), *in)
			if err == nil && len(found.Document) > largestSBOM {
				err = &operations.Refusal{Kind: errkind.Limit, Text: fmt.Sprintf("the SBOM has more than %d MiB; print it where the database is", largestSBOM>>20)}
			}
			if err != nil {
				return nil, s.problemOf(ctx, o.Name, err)
			}
			return &huma.StreamResponse{Body: func(with huma.Context) {
				r, w := humago.Unwrap(with)
				etag := `"` + string(found.Digest) + `"`
				w.Header().Set("ETag", etag)
				if lists(r.Header.Values("If-None-Match"), etag) {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(found.Document) // the client has gone
			}}, nil
		})
	}}
}

// inTurn has a request wait while as many others are under way as there may be.
func (s *server) inTurn(ctx huma.Context, next func(huma.Context)) {
	select {
	case s.sboms <- struct{}{}:
		defer func() { <-s.sboms }()
		next(ctx)
	case <-ctx.Context().Done():
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Retry-After", "5")
		refuse(w, r, http.StatusServiceUnavailable, "too many requests for SBOMs; try again in a moment")
	}
}
