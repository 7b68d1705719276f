package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/singleflight"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// mostDistrusted bounds the memory of a mirror's false content.
const mostDistrusted = 1000

// host is the session with one registry: how it wants to be addressed, what
// authorizes a request, and the rate limit that all requests share.
type host struct {
	client     *Registry
	name       string // as references name it
	registry   name.Registry
	settings   hostSettings
	own        reach // where it may stand itself
	transports transports
	rateLimit  *rateLimit
	heads      heads
	probe      bool               // asks also while the host is left alone because it failed
	flight     singleflight.Group // handshake and tokens: of several who need one, the first fetches it

	mu         sync.Mutex
	challenge  *transport.Challenge // nil before the handshake
	ahead      *host                // another registry that answered the handshake instead
	within     reach                // where the registry may redirect to
	scopes     map[string]string    // that the registry asked for, by repository path and kind of resource
	tokens     map[string]token     // by scope
	denials    map[string]denial    // by repository path
	distrusted map[image.Digest]bool

	confirmedAt time.Time // when the registry last answered as one
}

func newHost(client *Registry, named string, settings hostSettings) (*host, error) {
	if settings.plain {
		return newHostWithin(client, named, settings, reachLoopback)
	}
	return newHostWithin(client, named, settings, reachPrivate)
}

func newHostWithin(client *Registry, named string, settings hostSettings, within reach) (*host, error) {
	var options []name.Option
	if settings.plain {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(named, options...)
	if err != nil {
		return nil, fmt.Errorf("registry %q is not a host name with an optional port: %w", named, errkind.Invalid)
	}
	return &host{
		client: client, name: named, registry: registry, settings: settings, own: within, transports: newTransports(settings, within, client.near),
		rateLimit: newRateLimit(client, "registry "+named, settings.perSecond, settings.concurrency),
		scopes:    map[string]string{}, tokens: map[string]token{}, denials: map[string]denial{}, distrusted: map[image.Digest]bool{},
	}, nil
}

// succeed is the session that takes this one's place with other settings. It
// has learned nothing yet.
func (h *host) succeed(settings hostSettings) (*host, error) {
	return newHost(h.client, h.name, settings)
}

// anew is a session that has learned nothing yet, for trying things out. It
// shares the rate limit.
func (h *host) anew() *host {
	return &host{
		client: h.client, name: h.name, registry: h.registry, settings: h.settings, own: h.own, transports: h.transports, rateLimit: h.rateLimit,
		probe: true, scopes: map[string]string{}, tokens: map[string]token{}, denials: map[string]denial{}, distrusted: map[image.Digest]bool{},
	}
}

// handshake learns once how the registry wants to be addressed.
func (h *host) handshake(ctx context.Context) (transport.Challenge, error) {
	if known := h.knownChallenge(); known != nil {
		return *known, nil
	}
	learned, err := h.once(ctx, "handshake", func() (any, error) {
		if known := h.knownChallenge(); known != nil {
			return known, nil // learned by another between the two checks
		}
		return h.ping(ctx)
	})
	if err != nil {
		return transport.Challenge{}, h.explain(ctx, err)
	}
	return *learned.(*transport.Challenge), nil
}

// once lets one of several callers do something for all of them. One that gave
// up while doing it leaves it to the next.
func (h *host) once(ctx context.Context, what string, do func() (any, error)) (any, error) {
	for {
		mine := false
		value, err, _ := h.flight.Do(what, func() (any, error) { mine = true; return do() })
		if err == nil || mine || ctx.Err() != nil || !givenUp(err) {
			return value, err
		}
	}
}

// ping asks over TLS and, where that is allowed and TLS does not work, without.
// Both are one try: were the first counted as a failure, a host that is left
// alone could never be asked in the second way.
func (h *host) ping(ctx context.Context) (*transport.Challenge, error) {
	challenge, err := h.pingOver(ctx, "https")
	if err == nil || !h.settings.plain {
		return challenge, err
	}
	if isCertificate(err) || ctx.Err() != nil {
		h.judge(ctx, nil, err)
		return nil, err
	}
	challenge, plain := h.pingOver(ctx, "http")
	var status *transport.Error
	if errors.As(plain, &status) && status.StatusCode == http.StatusBadRequest {
		return nil, err // which is how a server says that it wants TLS
	}
	return challenge, plain
}

func (h *host) pingOver(ctx context.Context, scheme string) (*transport.Challenge, error) {
	// Where the registry itself is decides where its answer may lead.
	var near sync.Once
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if peer, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil {
			near.Do(func() { h.stands(h.client.near.reachOf(peer.Addr())) })
		}
	}}
	answered := &answerer{host: h}
	p := &pinger{carrier: carrier{host: h, first: scheme == "https" && h.settings.plain, by: answered}, scheme: scheme}
	challenge, err := transport.Ping(httptrace.WithClientTrace(ctx, trace), h.registry, p)
	if err != nil {
		return nil, p.cause(err)
	}
	var ahead *host
	if answered.host != h { // what another wants to see is not this one's credentials
		if ahead = answered.host; ahead != nil && challenge.Scheme != "" {
			ahead.learn("", "", challenge)
		}
		challenge = &transport.Challenge{Insecure: scheme == "http"}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.challenge, h.ahead = challenge, ahead
	return challenge, nil
}

// stands remembers how near the registry is.
func (h *host) stands(at reach) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.within = at
	if !h.settings.plain { // the peer may be a proxy on this machine
		h.within = min(at, reachPrivate)
	}
}

// pinger is a carrier of one scheme: the library tries two at a time, and mixes
// up what comes of them.
type pinger struct {
	carrier
	scheme string

	mu      sync.Mutex
	failure error
}

var errScheme = errors.New("not tried")

// RoundTrip implements http.RoundTripper.
func (p *pinger) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != p.scheme && p.host.owns(req.URL) {
		return nil, errScheme
	}
	resp, err := p.carrier.RoundTrip(req)
	if err == nil && pretends(resp.StatusCode) {
		if unlike := speaks(resp); unlike != nil {
			resp.Body.Close()
			resp, err = nil, p.host.rateLimit.leave(fmt.Errorf("%s %w", p.host.name, unlike), longestBreak)
		}
	}
	if err != nil && !p.host.owns(req.URL) { // who failed is the one that it leads to
		err = &url.Error{Op: req.Method, URL: req.URL.String(), Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
	return resp, err
}

// pretends reports whether an answer to the handshake may be somebody's who is not
// a registry, and has nothing to do with TLS, load or failure either.
func pretends(status int) bool {
	return status == http.StatusOK || status > http.StatusUnauthorized && status < http.StatusInternalServerError &&
		status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// cause is why the ping failed.
func (p *pinger) cause(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	return err
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

// forget drops what was learned, after the registry refused it, for what the
// refusal says.
func (h *host) forget(scope string, said *transport.Challenge) {
	h.client.keys.forget(h)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.challenge = said
	delete(h.tokens, scope)
}

// authorization returns the value of the Authorization header for reading a
// repository, "" for none, and whether it was used before.
func (h *host) authorization(ctx context.Context, challenge transport.Challenge, path, scope string) (header string, reused bool, err error) {
	if known, found := h.knownToken(scope); found {
		return known.header, true, nil
	}
	fetched, err := h.once(ctx, "token "+scope, func() (any, error) {
		if known, found := h.knownToken(scope); found {
			return known, nil // fetched by another between the two checks
		}
		return h.authorize(ctx, challenge, path, scope)
	})
	if err != nil {
		return "", false, err
	}
	return fetched.(token).header, false, nil
}

// knownToken is that of a scope while it lasts.
func (h *host) knownToken(scope string) (token, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, found := h.tokens[scope]
	return known, found && time.Now().Before(known.until)
}

// denial is a repository that was denied with freshly looked up credentials.
type denial struct {
	at   time.Time
	with credentials
}

// deniedFor is how long a repository that was denied is not asked for with a
// new token, which costs a login each time, unless there are other credentials.
const deniedFor = 5 * time.Minute

// doubts reports whether a refusal may be due to what was learned before.
func (h *host) doubts(ctx context.Context, path string) bool {
	h.mu.Lock()
	last := h.denials[path]
	h.mu.Unlock()
	if time.Since(last.at) > deniedFor {
		return true
	}
	held, err := h.client.keys.find(ctx, h, path)
	return err == nil && held != last.with
}

func (h *host) denied(ctx context.Context, path string) {
	held, err := h.client.keys.find(ctx, h, path)
	if err != nil {
		return // the next check tells
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.denials[path] = denial{time.Now(), held}
}

// distrust remembers that a mirror has other content than its name promises.
func (h *host) distrust(digest image.Digest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.distrusted) >= mostDistrusted {
		clear(h.distrusted)
	}
	h.distrusted[digest] = true
}

func (h *host) trusts(digest image.Digest) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.distrusted[digest]
}
