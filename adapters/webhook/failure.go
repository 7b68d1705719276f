package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Failure is why an attempt got no answer, as one word for lists and metrics.
type Failure string

// The failures.
const (
	FailureEndpoint  Failure = "endpoint"  // its configuration cannot be used
	FailureSecret    Failure = "secret"    // a secret or certificate is missing
	FailureRefused   Failure = "refused"   // the address may not be reached
	FailureDNS       Failure = "dns"       // the host has no address
	FailureConnect   Failure = "connect"   // no connection, or it broke
	FailureProxy     Failure = "proxy"     // the proxy cannot be reached, or refuses a tunnel
	FailureTLS       Failure = "tls"       // the certificate is not trusted, or the like
	FailureTimeout   Failure = "timeout"   // no answer in time
	FailureCancelled Failure = "cancelled" // the worker is stopping
)

// Failures are all of them.
var Failures = []Failure{FailureEndpoint, FailureSecret, FailureRefused, FailureDNS, FailureConnect, FailureProxy, FailureTLS, FailureTimeout, FailureCancelled}

// failure is the error of an attempt without an answer.
type failure struct {
	kind Failure
	error
}

func (f failure) Unwrap() error { return f.error }

// FailureOf is the kind of an answer's error; "" for any other error.
func FailureOf(err error) Failure {
	var f failure
	errors.As(err, &f)
	return f.kind
}

func failed(kind Failure, err error) delivery.Answer { return delivery.Answer{Err: failure{kind, err}} }

// explain is the error of an attempt without an answer. It is of kind Unavailable,
// except for a refused address and a cancelled attempt.
func explain(err error, request *http.Request, proxy *url.URL, timeout time.Duration, c credentials) delivery.Answer {
	kind, way := classify(err), origin(request.URL)
	if proxy != nil {
		way += " through the proxy " + origin(proxy)
	}
	reason := c.redact(err.Error())
	switch kind {
	case FailureTimeout:
		reason = fmt.Sprintf("no answer within %s", timeout)
	case FailureTLS:
		reason += " (to trust a private authority, name its certificate as the endpoint's CA file)"
	case FailureRefused:
		var refused refusal
		errors.As(err, &refused)
		return failed(kind, fmt.Errorf("post to %s: %w", way, refused))
	case FailureCancelled:
		return failed(kind, fmt.Errorf("post to %s: %w", way, context.Canceled))
	}
	return failed(kind, fmt.Errorf("post to %s: %s: %w", way, reason, errkind.Unavailable))
}

func classify(err error) Failure {
	var refused refusal
	var dns *net.DNSError
	var network net.Error
	var dial *net.OpError
	switch {
	case errors.As(err, &refused):
		return FailureRefused
	case errors.Is(err, context.Canceled):
		return FailureCancelled
	case errors.Is(err, errNoTunnel), errors.As(err, &dial) && dial.Op == "proxyconnect":
		return FailureProxy
	case isTLS(err):
		return FailureTLS
	case errors.As(err, &dns) && !dns.IsTimeout:
		return FailureDNS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return FailureTimeout
	}
	return FailureConnect
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		remote       *net.OpError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &authority) ||
		errors.As(err, &remote) && remote.Op == "remote error" // as crypto/tls reports the peer's alert
}
