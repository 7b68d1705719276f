package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// credentialLifetime is how long credentials of a helper are used before it
	// is asked again: the shortest-lived known ones live an hour.
	credentialLifetime = 10 * time.Minute
	// tokenLifetime applies where a token does not tell its own, as
	// https://distribution.github.io/distribution/spec/auth/token/ has it.
	tokenLifetime = time.Minute
	maxToken      = 64 << 10 // bytes of a token service's answer
	mostTokens    = 20_000   // of one registry
)

// token is a value of the Authorization header; "" where none is needed.
type token struct {
	header string
	until  time.Time
}

// authorize fetches and keeps the token of a scope.
func (h *host) authorize(ctx context.Context, challenge transport.Challenge, path, scope string) (token, error) {
	held, err := h.client.keys.find(ctx, h, path)
	if err != nil {
		return token{}, h.rateLimit.refused(err)
	}
	var fetched token
	if strings.EqualFold(challenge.Scheme, "bearer") && held.registryToken == "" {
		fetched, err = h.exchange(ctx, challenge, held, scope)
	} else {
		fetched = token{header: held.header(), until: time.Now().Add(credentialLifetime)}
	}
	if err != nil {
		return token{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tokens) >= mostTokens { // other registries choose the names of those that they lead to
		clear(h.tokens)
	}
	h.tokens[scope] = fetched
	return fetched, nil
}

// exchange turns credentials, or none, into a token of the registry's service.
// See https://distribution.github.io/distribution/spec/auth/token/ and, for
// identity tokens, https://distribution.github.io/distribution/spec/auth/oauth/.
func (h *host) exchange(ctx context.Context, challenge transport.Challenge, held credentials, scope string) (token, error) {
	timeouts := h.client.timeouts.document
	ctx, cancel := context.WithTimeoutCause(ctx, timeouts, fmt.Errorf("no token in %s", timeouts))
	defer cancel()
	realm, err := h.realm(challenge)
	if err != nil {
		return token{}, fmt.Errorf("token for %s: %w", h.name, err)
	}
	answer, err := h.askRealm(ctx, realm, challenge.Parameters["service"], held, scope)
	if err != nil {
		return token{}, err
	}
	lifetime := cmp.Or(time.Duration(answer.ExpiresIn), tokenLifetime)
	return token{
		header: "Bearer " + cmp.Or(answer.Token, answer.AccessToken),
		until:  time.Now().Add(lifetime * 9 / 10), // clocks differ, and requests take time
	}, nil
}

// realm is where the registry wants its tokens to be fetched. Credentials go
// there: they must not be readable on the way unless they are to the registry.
func (h *host) realm(challenge transport.Challenge) (*url.URL, error) {
	realm, err := url.Parse(challenge.Parameters["realm"])
	if err != nil || realm.Host == "" || realm.Scheme != "https" && realm.Scheme != "http" {
		return nil, fmt.Errorf("its token service (realm) is not a URL: %w", errkind.Invalid)
	}
	if realm.Scheme == "http" && !challenge.Insecure {
		return nil, fmt.Errorf("its token service at %s would get credentials over plain HTTP: %w", realm.Host, errkind.Invalid)
	}
	return realm, nil
}

// admits refuses names that are addresses, in any spelling, beyond what a request
// may reach even before they are dialed: behind a proxy it is not the worker that
// dials.
func (h *host) admits(u *url.URL) error {
	within := h.own
	if !h.owns(u) {
		within = h.redirectReach()
	}
	admit := h.client.near.within(within)
	for _, address := range ipclass.Spelled(u.Hostname()) {
		if err := admit(address); err != nil {
			return err
		}
	}
	return nil
}

// issued is the answer of a token service.
type issued struct {
	Token       string  `json:"token"`
	AccessToken string  `json:"access_token"`
	ExpiresIn   seconds `json:"expires_in"`
}

// seconds are a duration that services write as a number, a fraction or a text.
// What cannot be read is none: the token is good all the same.
type seconds time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (s *seconds) UnmarshalJSON(text []byte) error {
	const most = 24 * 60 * 60
	value, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(text), `"`)), 64)
	if err == nil && value > 0 {
		*s = seconds(min(value, most) * float64(time.Second))
	}
	return nil
}

func (h *host) askRealm(ctx context.Context, realm *url.URL, service string, held credentials, scope string) (issued, error) {
	req, err := tokenRequest(ctx, *realm, service, held, scope)
	if err != nil {
		return issued{}, fmt.Errorf("token for %s: %w", h.name, err)
	}
	answer, err := h.fetchToken(req, realm, held)
	var status *statusError
	if held.identityToken != "" && errors.As(err, &status) && (status.status == http.StatusNotFound || status.status == http.StatusMethodNotAllowed) {
		// Not every service knows the newer way.
		held = credentials{username: cmp.Or(held.username, "<token>"), password: held.identityToken, source: held.source}
		if req, err = tokenRequest(ctx, *realm, service, held, scope); err == nil {
			answer, err = h.fetchToken(req, realm, held)
		}
	}
	return answer, err
}

func tokenRequest(ctx context.Context, realm url.URL, service string, held credentials, scope string) (*http.Request, error) {
	if held.identityToken != "" {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {held.identityToken}, "service": {service},
			"client_id": {"tagwatch"}}
		if scope != "" {
			form.Set("scope", scope)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
	query := realm.Query()
	if service != "" {
		query.Set("service", service)
	}
	if scope != "" {
		query.Set("scope", scope)
	}
	if held.username != "" {
		query.Set("account", held.username)
	}
	realm.RawQuery = query.Encode()
	return http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
}

// fetchToken sends a request for a token. A redirect to another host gets no
// credentials, and a form is not sent on at all.
func (h *host) fetchToken(req *http.Request, realm *url.URL, held credentials) (answer issued, err error) {
	client := http.Client{
		Transport: carrier{host: h, authorization: held.basic(), to: realm.Host, tokens: true},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if via[0].Method != http.MethodGet {
				return http.ErrUseLastResponse
			}
			return h.checkRedirect(next, via)
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer, fmt.Errorf("token for %s: %w", h.name, h.explain(req.Context(), err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer, h.tokenRefusal(resp, realm, held)
	}
	raw, err := readAll(resp.Body, maxToken)
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil || cmp.Or(answer.Token, answer.AccessToken) == "" {
		return answer, fmt.Errorf("token for %s: the answer of its token service at %s cannot be read: %w", h.name, realm.Host, errkind.Unavailable)
	}
	return answer, nil
}

// tokenRefusal judges an answer of the token service that is no success.
// Credentials that are refused are so for every repository: the whole host is
// left alone.
func (h *host) tokenRefusal(resp *http.Response, realm *url.URL, held credentials) error {
	if resp.StatusCode == http.StatusTooManyRequests {
		if err := h.rateLimitAt(resp.Request.URL, true).limited(); err != nil {
			return fmt.Errorf("token for %s: %w", h.name, err)
		}
	}
	refused := statusOf(resp, realm.Host, held.secret())
	if resp.StatusCode != http.StatusUnauthorized || held.none() {
		return fmt.Errorf("token for %s: %w", h.name, refused)
	}
	return h.rateLimit.refused(h.refusedCredentials(held))
}

func (h *host) refusedCredentials(held credentials) error {
	return fmt.Errorf("the credentials from %s were rejected; log in again as the user of the worker (docker login %s)", held.describe(), h.name)
}

// header is the value of the Authorization header that presents the credentials
// to a registry without a token service; "" without any.
func (c credentials) header() string {
	if c.registryToken != "" {
		return "Bearer " + c.registryToken
	}
	return c.basic()
}

func (c credentials) basic() string {
	if c.username == "" || c.identityToken != "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.username+":"+c.password))
}
