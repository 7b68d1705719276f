package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// errPlain reports that a host was to be addressed over plain HTTP without leave.
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
	if e.kind == errkind.Unauthorized {
		text += "; run docker login " + e.host + " as the user of the worker, or check that the account may read the repository"
	}
	return fmt.Sprintf("%s: %v", text, e.kind)
}

// Unwrap is the fault.
func (e *statusError) Unwrap() error { return e.kind }

// refusal turns an answer that is no success into an error. Credentials that
// the registry refuses altogether, freshly looked up, are nothing that one
// repository can help.
func (h *host) refusal(ctx context.Context, resp *http.Response, by *answerer, last bool) error {
	if resp.StatusCode == http.StatusTooManyRequests {
		if err := h.rateLimitAt(resp.Request.URL, false).limited(); err != nil {
			return err
		}
	}
	if by.host == nil {
		return h.strangerRefusal(resp)
	}
	refused := statusOf(resp, by.host.name, by.authorization)
	plain := resp.Request.URL.Scheme == "http"
	if resp.StatusCode == http.StatusUnauthorized && (last || !by.reused) && strings.HasPrefix(by.authorization, "Basic ") {
		return by.host.judgeCredentials(ctx, refused, by.authorization, plain)
	}
	challenged := resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") != "" // as a registry's
	if errkind.Permanent(refused) && len(refused.codes) == 0 && !challenged {
		return by.host.confirmed(ctx, refused, plain)
	}
	return refused
}

// strangerRefusal is what somebody says to whom the registry leads. The registry
// has what was asked for, so a store that has not, or refuses what the registry
// signed, fails.
func (h *host) strangerRefusal(resp *http.Response) error {
	at := resp.Request.URL.Host
	text := fmt.Sprintf("%s, where %s redirects to, answers %d %s", at, h.name, resp.StatusCode, http.StatusText(resp.StatusCode))
	var said struct { // as S3 and those like it say it; its URL and its signature are not shown
		Code string `xml:"Code"`
	}
	if content, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)); err == nil && xml.Unmarshal(content, &said) == nil && said.Code != "" {
		text += " (" + quotable(said.Code, "") + ")"
	}
	return fmt.Errorf("%s: %w", text, errkind.Unavailable)
}

// judgeCredentials asks whether the registry accepts credentials at all.
func (h *host) judgeCredentials(ctx context.Context, refused error, authorization string, plain bool) error {
	resp, err := h.root(ctx, authorization, plain)
	var cooling *CoolDownError
	if errors.As(err, &cooling) {
		return cooling // another request has found it out
	}
	if err != nil {
		return refused
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return h.rateLimit.refused(h.refusedCredentials(h.client.keys.recent(h)))
	}
	return refused
}

// root asks the registry whether it speaks the protocol, with an authorization.
func (h *host) root(ctx context.Context, authorization string, plain bool) (*http.Response, error) {
	address := h.address(plain)
	address.Path = "/v2/"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w: %w", h.name, errkind.Invalid, err)
	}
	client := http.Client{Transport: carrier{host: h, authorization: authorization}, CheckRedirect: h.checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, h.explain(ctx, err)
	}
	return resp, nil
}

// errorBody is how registries say what is wrong.
type errorBody struct {
	Errors []struct{ Code, Message string }
}

// errorsIn are the errors in an answer that is a success by its status alone; nil
// if it has none. Only their codes are quoted: what was sent for the answer, and
// may be in its texts, is not known here.
func errorsIn(content []byte, host string) error {
	var body errorBody
	if json.Unmarshal(content, &body) != nil || len(body.Errors) == 0 {
		return nil
	}
	refused := &statusError{host: host, status: http.StatusOK}
	for _, each := range body.Errors {
		if codePattern.MatchString(each.Code) {
			refused.codes = append(refused.codes, each.Code)
		}
	}
	if refused.kind = kindOf(http.StatusOK, refused.codes); refused.kind == errkind.Invalid {
		refused.kind = errkind.Unavailable
	}
	refused.message = "errors instead of the requested content"
	return refused
}

var codePattern = regexp.MustCompile(`^[A-Z_]{1,40}$`)

// statusOf reads an answer that is no success. What the host says is quoted in
// part, and never with the secret it was sent.
func statusOf(resp *http.Response, host, authorization string) *statusError {
	refused := &statusError{host: host, status: resp.StatusCode}
	var body errorBody
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
			return errkind.NotFound
		case transport.UnauthorizedErrorCode, transport.DeniedErrorCode:
			return errkind.Unauthorized
		case transport.TooManyRequestsErrorCode, transport.UnavailableErrorCode:
			return errkind.Unavailable
		}
	}
	switch {
	case status == http.StatusNotFound:
		return errkind.NotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return errkind.Unauthorized
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return errkind.Unavailable
	}
	return errkind.Invalid
}

// quotable is a registry's text without secrets and control characters, and not
// too long.
func quotable(text, authorization string) string {
	for _, secret := range secretsOf(authorization) {
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
	if at := h.awayFrom(err); at != "" {
		return h.explainAway(ctx, err, at)
	}
	if errors.Is(ctx.Err(), context.Canceled) && !errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("ask %s: %w", h.name, ctx.Err())
	}
	if ctx.Err() != nil {
		return fmt.Errorf("ask %s: %w: %w", h.name, errkind.Unavailable, context.Cause(ctx))
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
		return fmt.Errorf("%s resolves to an address that is not allowed: %w: %w", h.name, errkind.Invalid, withoutURL(err))
	case isCertificate(err):
		return fmt.Errorf("the certificate of %s is not trusted; give the file of its authority if it is private (ca.crt in certs.d/%s, or --registry-ca-file): %w: %w",
			h.name, h.name, errkind.Unavailable, withoutURL(err))
	case errors.Is(err, errPlain):
		return fmt.Errorf("%w: %w", errkind.Unavailable, withoutURL(err))
	case errors.As(err, &dns):
		return fmt.Errorf("host name of %s cannot be resolved: %w: %w", h.name, errkind.Unavailable, dns)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s refuses connections: %w", h.name, errkind.Unavailable)
	case errors.Is(err, errkind.Invalid):
		return fmt.Errorf("ask %s: %w", h.name, withoutURL(err))
	case h.refusedTLS(err):
		return fmt.Errorf("%s refuses our side of TLS; it may want a client certificate (client.cert and client.key in certs.d/%s): %w: %w",
			h.name, h.name, errkind.Unavailable, withoutURL(err))
	}
	return fmt.Errorf("ask %s: %w: %w", h.name, errkind.Unavailable, withoutURL(err))
}

// awayFrom is the host that a request failed at, if the registry led to another.
func (h *host) awayFrom(err error) string {
	var outer *url.Error
	if !errors.As(err, &outer) {
		return ""
	}
	at, parsed := url.Parse(outer.URL)
	if parsed != nil || at.Host == "" || h.owns(at) {
		return ""
	}
	return at.Host
}

// explainAway is explain for a host that the registry led to.
func (h *host) explainAway(ctx context.Context, err error, at string) error {
	var cooling *CoolDownError
	where := fmt.Sprintf("%s, where %s leads to", at, h.name)
	switch {
	case errors.Is(ctx.Err(), context.Canceled) && !errors.Is(context.Cause(ctx), errSilent):
		return fmt.Errorf("ask %s: %w", where, ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("ask %s: %w: %w", where, errkind.Unavailable, context.Cause(ctx))
	case errors.As(err, &cooling):
		return cooling
	case errors.Is(err, errAddress):
		return fmt.Errorf("%s, resolves to an address that is not allowed: %w: %w", where, errkind.Invalid, withoutURL(err))
	case errors.Is(err, errkind.Invalid), errors.Is(err, errkind.Unauthorized):
		return fmt.Errorf("ask %s: %w", where, withoutURL(err))
	case isCertificate(err):
		return fmt.Errorf("the certificate of %s is not trusted; give the file of its authority if it is private (--registry-ca-file): %w: %w", where, errkind.Unavailable, withoutURL(err))
	}
	return fmt.Errorf("ask %s: %w: %w", where, errkind.Unavailable, withoutURL(err))
}

// secretsOf are the parts of an Authorization header that must not be shown.
func secretsOf(authorization string) (secrets []string) {
	_, value, _ := strings.Cut(authorization, " ")
	if value == "" {
		return nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
		if _, password, found := strings.Cut(string(decoded), ":"); found && password != "" {
			secrets = append(secrets, password)
		}
	}
	return append(secrets, value)
}

// givenUp reports that an operation ended because its caller did.
func givenUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// sentence is an error's text without the name of its kind at the end.
func sentence(err error) string {
	text := err.Error()
	for _, kind := range []error{errkind.Unavailable, errkind.Unauthorized, errkind.Invalid} {
		text = strings.TrimSuffix(strings.ReplaceAll(text, ": "+kind.Error()+": ", ": "), ": "+kind.Error())
	}
	return text
}

func codesOf(err *transport.Error) (codes []string) {
	for _, each := range err.Errors {
		codes = append(codes, quotable(string(each.Code), ""))
	}
	return codes
}

// refusedTLS reports that the other side ended the handshake, or is likely to
// have: where it says so only after a request was sent, sending may fail first.
func (h *host) refusedTLS(err error) bool {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "remote error" {
		return true
	}
	return h.settings.asked.Load() && len(h.settings.client) == 0
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
