package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// errPlain tells that a host was to be addressed over plain HTTP without leave.
var errPlain = errors.New("not allowed; name the host among the insecure registries if it has no TLS")

const (
	maxErrorBody    = 64 << 10
	maxErrorMessage = 200 // of a registry's own words
)

// statusError is an answer that is no success.
type statusError struct {
	host    string
	status  int
	codes   []string // of the distribution specification, section "Error codes"
	message string
	kind    error
}

// Error implements error.
func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.host, e.status, http.StatusText(e.status))
	if said := strings.TrimSpace(strings.Join(e.codes, ", ") + " " + e.message); said != "" {
		text += " (" + said + ")"
	}
	if e.kind == fault.Unauthorized {
		text += "; run docker login " + e.host + " as the user of the worker, or check that the account may read the repository"
	}
	return fmt.Sprintf("%s: %v", text, e.kind)
}

// Unwrap is the fault.
func (e *statusError) Unwrap() error { return e.kind }

// answersOnlyGet tells that a registry does not do HEAD requests.
func answersOnlyGet(err error) bool {
	var status *statusError
	return errors.As(err, &status) &&
		(status.status == http.StatusMethodNotAllowed || status.status == http.StatusNotImplemented)
}

// refusal turns an answer that is no success into an error. What the registry
// says is quoted in part, and never with the secret it was sent.
func (h *host) refusal(resp *http.Response, authorization string) error {
	if resp.StatusCode == http.StatusTooManyRequests {
		if err := h.budget.cooling(); err != nil {
			return err
		}
	}
	refused := &statusError{host: h.name, status: resp.StatusCode}
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if content, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)); err == nil && json.Unmarshal(content, &body) == nil {
		for _, each := range body.Errors {
			refused.codes = append(refused.codes, quotable(each.Code, authorization))
			refused.message = quotable(each.Message, authorization)
		}
	}
	refused.kind = kindOf(resp.StatusCode, refused.codes)
	return refused
}

// kindOf classifies an answer by its status; some registries say with another
// status what the codes say clearly.
func kindOf(status int, codes []string) error {
	for _, code := range codes {
		switch transport.ErrorCode(code) {
		case transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode, transport.BlobUnknownErrorCode:
			return fault.NotFound
		case transport.UnauthorizedErrorCode, transport.DeniedErrorCode:
			return fault.Unauthorized
		case transport.TooManyRequestsErrorCode, transport.UnavailableErrorCode:
			return fault.Unavailable
		}
	}
	switch {
	case status == http.StatusNotFound:
		return fault.NotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Unauthorized
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return fault.Unavailable
	}
	return fault.Invalid
}

// quotable is a registry's text without secrets and control characters, and not
// too long.
func quotable(text, authorization string) string {
	if _, secret, found := strings.Cut(authorization, " "); found && secret != "" {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return printable[:min(len(printable), maxErrorMessage)]
}

// explain turns an error of the network into one that names the host, without
// the URL, whose query may hold a token.
func (h *host) explain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ask %s: %w", h.name, ctx.Err())
	}
	if ctx.Err() != nil {
		return fmt.Errorf("ask %s: %w: %w", h.name, fault.Unavailable, context.Cause(ctx))
	}
	var status *transport.Error
	if errors.As(err, &status) && !isCertificate(err) { // of TLS and plain HTTP tried both, TLS tells more
		return &statusError{host: h.name, status: status.StatusCode, codes: codesOf(status), kind: kindOf(status.StatusCode, codesOf(status))}
	}
	var cooling *CoolDownError
	var dns *net.DNSError
	switch {
	case errors.As(err, &cooling):
		return cooling
	case errors.Is(err, errAddress):
		return fmt.Errorf("%s leads to an address that is not allowed: %w: %w", h.name, fault.Invalid, withoutURL(err))
	case isCertificate(err):
		return fmt.Errorf("the certificate of %s is not trusted; give the file of its authority if it is private: %w: %w", h.name, fault.Unavailable, withoutURL(err))
	case errors.Is(err, errPlain):
		return fmt.Errorf("%w: %w", fault.Unavailable, withoutURL(err))
	case errors.As(err, &dns):
		return fmt.Errorf("host name of %s cannot be resolved: %w: %w", h.name, fault.Unavailable, dns)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s refuses connections: %w", h.name, fault.Unavailable)
	case errors.Is(err, fault.Invalid):
		return fmt.Errorf("ask %s: %w", h.name, withoutURL(err))
	}
	return fmt.Errorf("ask %s: %w: %w", h.name, fault.Unavailable, withoutURL(err))
}

// explainToken is explain for the token service, whose answers may hold tokens.
func (h *host) explainToken(ctx context.Context, err error) error {
	var network *url.Error
	var status *transport.Error
	if errors.As(err, &network) || errors.As(err, &status) || ctx.Err() != nil {
		return fmt.Errorf("token for %s: %w", h.name, h.explain(ctx, err))
	}
	if strings.Contains(err.Error(), "realm") {
		return fmt.Errorf("token for %s: its token service is not acceptable: %w", h.name, fault.Invalid)
	}
	return fmt.Errorf("token for %s: the token service's answer cannot be read: %w", h.name, fault.Unavailable)
}

func codesOf(err *transport.Error) (codes []string) {
	for _, each := range err.Errors {
		codes = append(codes, quotable(string(each.Code), ""))
	}
	return codes
}

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name)
}

// withoutURL is the cause of an error of net/http.
func withoutURL(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
