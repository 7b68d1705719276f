package webhook

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
)

// Options configure a [Sender]. The zero value reaches every address but those
// that no webhook may ever reach, private networks included: that is where
// receivers usually stand.
type Options struct {
	// DenyPrivate refuses loopback and private addresses.
	DenyPrivate bool
	// Allow and Deny are networks (10.0.0.0/8), addresses, host names, names with
	// everything below (*.example.com), or "all". Allow has precedence over Deny
	// and over DenyPrivate; Deny "all" makes Allow the complete list.
	Allow, Deny []string
	// Proxy is that of endpoints without one of their own: an address, a reference
	// to one, or empty for none.
	Proxy string
	// UserAgent is the header of that name; empty means tagwatch.
	UserAgent string
	// Secrets reads a secret; nil means ReadSecret.
	Secrets func(endpoint.SecretRef) (string, error)
	// Resolver looks host names up; nil means the system's.
	Resolver *net.Resolver
}

// Sender sends bodies to endpoints. It keeps connections open between attempts
// and is safe for concurrent use.
type Sender struct {
	userAgent string
	secrets   func(endpoint.SecretRef) (string, error)
	proxy     string
	guard     guard
	clients   *clients
}

// New refuses rules and a proxy that it cannot read.
func New(o Options) (*Sender, error) {
	allow, err := parseRules("allow", o.Allow)
	if err != nil {
		return nil, err
	}
	deny, err := parseRules("deny", o.Deny)
	if err != nil {
		return nil, err
	}
	secrets := o.Secrets
	if secrets == nil {
		secrets = ReadSecret
	}
	if err := endpoint.ValidateProxy(o.Proxy); err != nil {
		return nil, fmt.Errorf("webhook proxy: %w: %w", errkind.Invalid, err)
	}
	g := guard{allow: allow, deny: deny, denyPrivate: o.DenyPrivate}
	d := dialer{guard: g, resolver: o.Resolver}
	return &Sender{
		userAgent: cmp.Or(o.UserAgent, "tagwatch"),
		secrets:   secrets,
		proxy:     o.Proxy,
		guard:     g,
		clients:   newClients(d.dial),
	}, nil
}

// Close closes the connections that are open for later attempts.
func (s *Sender) Close() { s.clients.closeIdle() }

// Send makes one attempt. It always returns within the endpoint's timeout. Any
// status is an answer; what follows from it is for [delivery.Judge] to say.
func (s *Sender) Send(ctx context.Context, e endpoint.Endpoint, post message.Post) delivery.Answer {
	start := time.Now()
	answer := s.attempt(ctx, e, post)
	answer.Duration = time.Since(start)
	return answer
}

func (s *Sender) attempt(ctx context.Context, e endpoint.Endpoint, post message.Post) delivery.Answer {
	timeout := cmp.Or(e.Timeout, endpoint.DefaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	known, err := s.readCredentials(e)
	if err != nil {
		return failed(FailureSecret, err)
	}
	request, err := s.newRequest(ctx, e, post, &known)
	if err != nil {
		return failed(FailureEndpoint, err)
	}
	proxy, err := s.readProxy(e, &known)
	if err != nil {
		return failed(FailureSecret, err)
	}
	if proxy != nil {
		if err := s.guard.checkTarget(request.URL.Hostname()); err != nil {
			return explain(err, request, proxy, timeout, known)
		}
	}
	client, err := s.clients.get(tlsFiles{ca: e.CAFile, cert: e.CertFile, key: e.KeyFile}, cmp.Or(e.Proxy, s.proxy), proxy)
	if err != nil {
		return failed(FailureSecret, err)
	}
	// The bare transport follows no redirects and keeps no cookies.
	response, err := client.RoundTrip(request)
	if err != nil {
		return explain(err, request, proxy, timeout, known)
	}
	return read(response, cancel, known)
}
