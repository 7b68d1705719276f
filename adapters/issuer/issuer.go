// Package issuer verifies OpenID Connect tokens: signature, issuer, audience and time. The
// keys are those that the issuer publishes, fetched when they are first needed and again
// for a key that is not known.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// Options are what a Verifier is made from.
type Options struct {
	// Issuer and Audience are what a token must name.
	Issuer, Audience string
	// Keys is the address of the issuer's keys; empty to find it by the issuer.
	Keys string
	// Now is the clock; nil for the system's.
	Now func() time.Time
}

// Verifier verifies tokens of one issuer for one audience. It is safe for concurrent use.
type Verifier struct {
	Options
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the keys' address is known
	failed   error                 // why it is not, and until when nothing is tried again
	until    time.Time
}

const (
	// fetchTimeout bounds a fetch, which the caller waits for.
	fetchTimeout = 5 * time.Second
	// maxAnswer bounds what an issuer publishes, in bytes.
	maxAnswer = 1 << 20
	// pause is how long an issuer that cannot be reached is left alone.
	pause = 5 * time.Second
	// fetchesPerSecond and fetchesAtOnce limit fetches: anybody can send a token that names
	// a key that does not exist.
	fetchesPerSecond, fetchesAtOnce = 1, 5
)

// algorithms are those with a key that only the issuer has.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// New makes a Verifier, which reaches its issuer when it first needs it.
func New(options Options) (*Verifier, error) {
	home, err := url.Parse(options.Issuer)
	if err != nil || home.Host == "" || home.Scheme != "https" && home.Scheme != "http" {
		return nil, fmt.Errorf("issuer %q: expected a URL such as https://issuer.example.com: %w", options.Issuer, errkind.Invalid)
	}
	return &Verifier{Options: options, client: &http.Client{Timeout: fetchTimeout, Transport: newFetching(home.Host),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Verify reads the claims of a token: errkind.Unauthorized if the token is not valid,
// errkind.Unavailable if the keys to verify it cannot be fetched.
func (v *Verifier) Verify(ctx context.Context, raw string, claims any) error {
	verifier, err := v.ready(ctx)
	if err != nil {
		return fmt.Errorf("reach the issuer %s: %w: %w", v.Issuer, errkind.Unavailable, err)
	}
	var unreachable error
	token, err := verifier.Verify(context.WithValue(ctx, unreachableKey{}, &unreachable), raw)
	switch {
	case unreachable != nil:
		return fmt.Errorf("fetch the keys of the issuer %s: %w: %w", v.Issuer, errkind.Unavailable, unreachable)
	case err != nil:
		return fmt.Errorf("%w: %w", errkind.Unauthorized, err)
	}
	if err := token.Claims(claims); err != nil {
		return fmt.Errorf("%w: %w", errkind.Unauthorized, err)
	}
	return nil
}

// ready finds out where the keys are, once.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	if time.Now().Before(v.until) {
		return nil, v.failed
	}
	// The answer is for all callers, so that it does not end with the one who waits for it.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), v.client)
	address, err := v.keysAddress(ctx)
	if err != nil {
		v.failed, v.until = err, time.Now().Add(pause)
		return nil, err
	}
	v.verifier = oidc.NewVerifier(v.Issuer, keys{oidc.NewRemoteKeySet(ctx, address)}, &oidc.Config{ClientID: v.Audience, SupportedSigningAlgs: algorithms, Now: v.Now})
	return v.verifier, nil
}

// keysAddress is where the issuer publishes its keys.
func (v *Verifier) keysAddress(ctx context.Context) (string, error) {
	if v.Keys != "" {
		return v.Keys, nil
	}
	provider, err := oidc.NewProvider(ctx, v.Issuer)
	if err != nil {
		return "", err
	}
	var published struct {
		Keys string `json:"jwks_uri"`
	}
	err = provider.Claims(&published)
	return published.Keys, err
}

type unreachableKey struct{}

// keys tells keys that cannot be fetched from signatures that are wrong: the library has
// one error for both.
type keys struct{ *oidc.RemoteKeySet }

// VerifySignature implements oidc.KeySet.
func (k keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		if unreachable, ok := ctx.Value(unreachableKey{}).(*error); ok {
			*unreachable = err
		}
	}
	return payload, err
}

// fetching gets what the issuer publishes: at its own host wherever that is, and elsewhere
// at public addresses only.
type fetching struct {
	home       string
	near, away *http.Transport
	limit      *rate.Limiter
}

func newFetching(home string) *fetching {
	through := func(check func(netip.Addr) error) *http.Transport {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		dialer := outbound.Checked(net.Dialer{Timeout: fetchTimeout}, check)
		proxies := outbound.EnvironmentProxies()
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if proxies[address] {
				return (&net.Dialer{Timeout: fetchTimeout}).DialContext(ctx, network, address)
			}
			return dialer.DialContext(ctx, network, address)
		}
		return transport
	}
	return &fetching{home: home, limit: rate.NewLimiter(fetchesPerSecond, fetchesAtOnce),
		near: through(func(a netip.Addr) error { return within(a, ipclass.Loopback) }),
		away: through(func(a netip.Addr) error { return within(a, ipclass.Public) })}
}

func within(address netip.Addr, closest ipclass.Place) error {
	if place, purpose := ipclass.Find(address); place == ipclass.Forbidden || place > closest {
		return fmt.Errorf("the issuer refers to the address %s (%s), which is closer to this machine than an issuer may lead: %w", ipclass.Plain(address), purpose, errkind.Invalid)
	}
	return nil
}

var errTooOften = errors.New("the keys were fetched several times in the last seconds")

// RoundTrip implements http.RoundTripper.
func (f *fetching) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.limit.Allow() {
		return nil, errTooOften
	}
	transport := f.away
	if r.URL.Host == f.home {
		transport = f.near
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{outbound.Bounded(response.Body, maxAnswer), response.Body}
	return response, nil
}
