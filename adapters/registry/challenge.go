package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// mostChallenges bounds how often one request is repeated with what a host asked
// for: the registry, one that it redirects to, and another scope of that one.
const mostChallenges = 3

// challengeError is a refusal that says what would authorize the request.
type challengeError struct {
	error
	challenge *transport.Challenge
}

// Unwrap is the refusal.
func (e *challengeError) Unwrap() error { return e.error }

// challengeOf is what a refusal asks for, nil if it does not say.
func challengeOf(err error) *transport.Challenge {
	var refused *challengeError
	if !errors.As(err, &refused) {
		return nil
	}
	return refused.challenge
}

// withChallenge adds what the answer asks for to a refusal.
func withChallenge(refused error, resp *http.Response) error {
	if !errors.Is(refused, errkind.Unauthorized) || resp.StatusCode != http.StatusUnauthorized {
		return refused
	}
	answer := replayed{&http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Request: resp.Request}}
	challenge, err := transport.Ping(context.Background(), readerOfChallenges, answer)
	if err != nil || challenge.Scheme == "" {
		return refused
	}
	return &challengeError{refused, challenge}
}

// readerOfChallenges stands for any registry: the library reads the header of the
// answer to its own request only.
var readerOfChallenges = name.MustParseReference("registry.invalid/any").Context().Registry

// replayed is an answer that was received before.
type replayed struct{ resp *http.Response }

// RoundTrip implements http.RoundTripper.
func (r replayed) RoundTrip(*http.Request) (*http.Response, error) { return r.resp, nil }

// learn takes what a refusal asks for, and reports whether it is news: only then
// is it worth another try.
func (h *host) learn(path, kind string, said *transport.Challenge) (news bool) {
	h.mu.Lock()
	if known := h.challenge; known == nil || known.Scheme != said.Scheme ||
		known.Parameters["realm"] != said.Parameters["realm"] || known.Parameters["service"] != said.Parameters["service"] {
		h.challenge, news = said, true
		clear(h.tokens)
	}
	h.mu.Unlock()
	return h.accept(path, kind, said.Parameters["scope"]) || news
}
