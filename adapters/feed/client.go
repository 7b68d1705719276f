package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

func newClient(options Options, publisher *url.URL) (*http.Client, error) {
	transport, err := outbound.Transport(options.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities of the feed: %w", err)
	}
	transport.ResponseHeaderTimeout = options.Stall
	transport.DisableCompression = true // archives are compressed; sizes are checked
	return &http.Client{Transport: newGuarded(publisher, transport), CheckRedirect: checkRedirect}, nil
}

// checkRedirect refuses to leave TLS.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("redirect from https to %s: %w", r.URL.Scheme, errkind.Invalid)
	}
	if len(via) >= 5 {
		return fmt.Errorf("more than 5 redirects: %w", errkind.Invalid)
	}
	return nil
}

var errStalled = errors.New("the server stopped sending")

// get opens a document. Reading it fails when the server sends nothing for
// Options.Stall, and when all of it takes longer than timeout. The caller closes it.
func (f *Feed) get(ctx context.Context, u *url.URL, timeout time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, end := context.WithTimeout(ctx, timeout)
	stop := func() { end(); cancel(nil) }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		stop()
		return nil, fmt.Errorf("get %s: %w", shown(u), err)
	}
	request.Header.Set("User-Agent", "tagwatch")
	response, err := f.client.Do(request)
	if err != nil {
		defer stop()
		return nil, fmt.Errorf("get %s: %w", shown(u), transferError(ctx, withoutURL(err)))
	}
	silence := time.AfterFunc(f.options.Stall, func() { cancel(errStalled) })
	response.Body = &body{ReadCloser: response.Body, ctx: ctx, silence: silence, stall: f.options.Stall, stop: stop}
	if err := statusError(response); err != nil {
		err = fmt.Errorf("get %s: %w; %s", shown(u), err, f.received(u, response, headOf(response.Body)))
		return nil, errors.Join(err, response.Body.Close())
	}
	return response, nil
}

// shown is an address as errors may show it. Passwords and tokens are secrets.
func shown(u *url.URL) string {
	bare := *u
	bare.User, bare.RawQuery = nil, ""
	return bare.String()
}

// withoutURL drops the address that the client puts before an error.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// statusError gives every status but 200 its kind.
func statusError(response *http.Response) error {
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w: %s", errkind.NotFound, response.Status)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusProxyAuthRequired:
		return fmt.Errorf("%w: %s", errkind.Unauthorized, response.Status)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		return fmt.Errorf("%w: %s", errkind.Unavailable, response.Status)
	default:
		return fmt.Errorf("%w: %s", errkind.Invalid, response.Status)
	}
}

// transferError gives a failure of the connection its kind. Retrying does not help
// against an untrusted certificate.
func transferError(ctx context.Context, err error) error {
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(context.Cause(ctx), errStalled):
		return fmt.Errorf("%w: %w", errkind.Unavailable, errStalled)
	case errors.Is(context.Cause(ctx), context.Canceled):
		return err
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w: trust its issuer by the feed CA file: %w", errkind.Invalid, err)
	case errkind.Name(err) != "":
		return err
	default:
		return fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
}

// body ends the request when data stops coming.
type body struct {
	io.ReadCloser
	ctx     context.Context
	silence *time.Timer
	stall   time.Duration
	stop    func()
}

// Read restarts the timer.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.silence.Reset(b.stall)
	if err != nil && err != io.EOF {
		err = transferError(b.ctx, err)
	}
	return n, err
}

// Close stops the timer.
func (b *body) Close() error {
	b.silence.Stop()
	defer b.stop()
	return b.ReadCloser.Close()
}
