package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/propagation"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
)

// The headers of Standard Webhooks.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// newRequest also hides the secret parts of the address.
func (s *Sender) newRequest(ctx context.Context, e endpoint.Endpoint, post message.Post, c *credentials) (*http.Request, error) {
	address, err := endpoint.ParseURL(c.url, post.Account, post.Type)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", e.Name, err)
	}
	c.hideAddress(address, endpoint.SecretRef(e.URL).IsRef())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(post.Body.Content))
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: build a request to %s: %w", e.Name, origin(address), err)
	}
	setHeaders(request.Header, e, c)
	request.Header.Set("Content-Type", post.Body.ContentType)
	request.Header.Set("User-Agent", s.userAgent)
	allowRepeating(request.Header)
	sign(request.Header, post, c.signing)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	return request, nil
}

// allowRepeating lets the transport repeat the request on a new connection when an
// idle one is dead: receivers drop repeats by the id. An empty header has the same
// effect and is not sent.
func allowRepeating(header http.Header) {
	if header.Get("Idempotency-Key") == "" {
		header["Idempotency-Key"] = []string{}
	}
}

// setHeaders adds the endpoint's headers and authentication.
func setHeaders(header http.Header, e endpoint.Endpoint, c *credentials) {
	for name, value := range e.Headers {
		header.Set(name, value)
	}
	for name, value := range c.headers {
		header.Set(name, value)
	}
	switch {
	case c.token != "":
		header.Set("Authorization", "Bearer "+c.token)
	case e.User != "" || c.password != "":
		header.Set("Authorization", "Basic "+basic(e.User, c.password))
	}
}

// basic is the credentials of basic authentication, RFC 7617.
func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// sign adds the headers of Standard Webhooks. Without a secret there is no signature,
// but still id and timestamp.
func sign(header http.Header, post message.Post, keys [][]byte) {
	header.Set(headerID, post.ID)
	header.Set(headerTimestamp, strconv.FormatInt(post.At.Unix(), 10))
	if len(keys) > 0 {
		header.Set(headerSignature, signatures(keys, post))
	}
}

// origin is the part of an address that may be shown.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
