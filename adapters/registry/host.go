package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/singleflight"

	"github.com/tagwatch/tagwatch/domain/fault"
)

const (
	// credentialLifetime is how long credentials of a helper are used before it
	// is asked again: the shortest-lived known ones live an hour.
	credentialLifetime = 10 * time.Minute
	// tokenLifetime applies where a token does not tell its own, as
	// https://distribution.github.io/distribution/spec/auth/token/ has it.
	tokenLifetime = time.Minute
)

// host is the session with one registry: how it wants to be addressed, what
// authorizes a request, and the budget that all requests share.
type host struct {
	client   *Registry
	name     string // as references name it
	registry name.Registry
	home     http.RoundTripper // to the registry itself
	budget   *budget
	flight   singleflight.Group // handshake and tokens: of several who need one, the first fetches it

	mu        sync.Mutex
	challenge *transport.Challenge // nil before the handshake
	within    reach                // where the registry may redirect to
	tokens    map[string]token     // by repository path
}

// token is a value of the Authorization header; "" where none is needed.
type token struct {
	header string
	until  time.Time
}

func newHost(client *Registry, named string, registry name.Registry) *host {
	h := &host{
		client:   client,
		name:     named,
		registry: registry,
		home:     client.transports[reachPrivate],
		budget:   newBudget(named, client.options.RequestsPerSecond, client.options.Concurrency),
		tokens:   map[string]token{},
	}
	if client.plainAllowed(named) {
		h.home = client.transports[reachLoopback]
	}
	return h
}

// handshake learns once how the registry wants to be addressed.
func (h *host) handshake(ctx context.Context) (transport.Challenge, error) {
	if known := h.knownChallenge(); known != nil {
		return *known, nil
	}
	learned, err, _ := h.flight.Do("handshake", func() (any, error) { return h.ping(ctx) })
	if err != nil {
		return transport.Challenge{}, h.explain(ctx, err)
	}
	return *learned.(*transport.Challenge), nil
}

func (h *host) ping(ctx context.Context) (*transport.Challenge, error) {
	peers := make(chan reach, 8) // a ping opens two connections at most, and follows few redirects
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if peer, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil {
			select {
			case peers <- reachOf(peer.Addr()):
			default:
			}
		}
	}}
	challenge, err := transport.Ping(httptrace.WithClientTrace(ctx, trace), h.registry, carrier{host: h})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.challenge = challenge
	if len(peers) > 0 {
		h.within = <-peers
	}
	if !h.client.plainAllowed(h.name) { // the peer may be a proxy on this machine
		h.within = min(h.within, reachPrivate)
	}
	return challenge, nil
}

func (h *host) knownChallenge() *transport.Challenge {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.challenge
}

// redirectReach is where the registry may send a request on to: not closer to
// the worker than the registry itself is.
func (h *host) redirectReach() reach {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.within
}

// forget drops what was learned, after the registry refused it.
func (h *host) forget(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.challenge = nil
	delete(h.tokens, path)
}

// authorization returns the value of the Authorization header for reading a
// repository, "" for none, and whether it was used before.
func (h *host) authorization(ctx context.Context, challenge transport.Challenge, path string) (header string, reused bool, err error) {
	h.mu.Lock()
	known, found := h.tokens[path]
	h.mu.Unlock()
	if found && time.Now().Before(known.until) {
		return known.header, true, nil
	}
	fetched, err, _ := h.flight.Do("token "+path, func() (any, error) { return h.authorize(ctx, challenge, path) })
	if err != nil {
		return "", false, err
	}
	return fetched.(token).header, false, nil
}

// authorize fetches and keeps the token of a repository.
func (h *host) authorize(ctx context.Context, challenge transport.Challenge, path string) (token, error) {
	repository := h.registry.Repo(path)
	credentials, err := authn.Resolve(ctx, h.client.keychain, repository)
	if err != nil {
		return token{}, fmt.Errorf("credentials for %s from Docker's configuration: %w: %w", h.name, fault.Unauthorized, err)
	}
	var fetched token
	if strings.EqualFold(challenge.Scheme, "bearer") {
		fetched, err = h.exchange(ctx, challenge, credentials, repository.Scope(transport.PullScope))
	} else {
		fetched, err = h.plainCredentials(ctx, credentials)
	}
	if err != nil {
		return token{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[path] = fetched
	return fetched, nil
}

// exchange turns credentials, or none, into a token of the registry's service.
func (h *host) exchange(ctx context.Context, challenge transport.Challenge, credentials authn.Authenticator, scope string) (token, error) {
	answer, err := transport.Exchange(ctx, h.registry, credentials, carrier{host: h}, []string{scope}, &challenge)
	if err != nil {
		return token{}, h.explainToken(ctx, err)
	}
	lifetime := cmp.Or(time.Duration(max(0, answer.ExpiresIn))*time.Second, tokenLifetime)
	return token{
		header: "Bearer " + cmp.Or(answer.Token, answer.AccessToken),
		until:  time.Now().Add(lifetime * 9 / 10), // clocks differ, and requests take time
	}, nil
}

// plainCredentials are those of a registry without a token service.
func (h *host) plainCredentials(ctx context.Context, credentials authn.Authenticator) (token, error) {
	config, err := authn.Authorization(ctx, credentials)
	if err != nil {
		return token{}, fmt.Errorf("credentials for %s: %w: %w", h.name, fault.Unauthorized, err)
	}
	granted := token{until: time.Now().Add(credentialLifetime)}
	switch {
	case config.RegistryToken != "":
		granted.header = "Bearer " + config.RegistryToken
	case config.Auth != "":
		granted.header = "Basic " + config.Auth
	case config.Username != "":
		granted.header = "Basic " + base64.StdEncoding.EncodeToString([]byte(config.Username+":"+config.Password))
	}
	return granted, nil
}
