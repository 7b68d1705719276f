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

// Options configure a [Sender]. The zero value allows every address except those that
// no webhook may ever reach. It allows private networks, where receivers usually are.
type Options struct {
	// DenyPrivate refuses loopback and private addresses.
	DenyPrivate bool
	// Allow and Deny are networks (10.0.0.0/8), addresses, host names, all subdomains
	// (*.example.com), or "all". Allow has precedence over Deny and over DenyPrivate;
	// Deny "all" makes Allow the complete list.
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

// New fails if the rules or the proxy are invalid.
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
	return &Sender{
		userAgent: cmp.Or(o.UserAgent, "tagwatch"),
		secrets:   secrets,
		proxy:     o.Proxy,
		guard:     g,
		clients:   newClients(g.dial(o.Resolver)),
	}, nil
}

// Close closes the connections that are open for later attempts.
func (s *Sender) Close() { s.clients.closeIdle() }

// Send makes one attempt. It always returns within the endpoint's timeout. Any status
// is an answer; [delivery.Judge] decides what follows from it.
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

	secrets, err := s.readCredentials(e)
	if err != nil {
		return failed(FailureSecret, err)
	}
	request, err := s.newRequest(ctx, e, post, &secrets)
	if err != nil {
		return failed(FailureEndpoint, err)
	}
	proxy, err := s.readProxy(e, &secrets)
	if err != nil {
		return failed(FailureSecret, err)
	}
	if proxy != nil {
		if err := s.guard.checkTarget(request.URL.Hostname()); err != nil {
			return explain(err, request, proxy, timeout, secrets)
		}
	}
	client, err := s.clients.get(tlsFiles{ca: e.CAFile, cert: e.CertFile, key: e.KeyFile}, cmp.Or(e.Proxy, s.proxy), proxy)
	if err != nil {
		return failed(FailureSecret, err)
	}
	// The bare transport follows no redirects and keeps no cookies.
	response, err := client.RoundTrip(request)
	if err != nil {
		return explain(err, request, proxy, timeout, secrets)
	}
	return read(response, cancel, secrets)
}
