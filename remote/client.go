// Package remote carries operations out at a server of Tagwatch, over its HTTP API. What
// comes from the server, or from what answers in its place, is not trusted: its size and
// its time are limited, and nothing else than an answer of the API is taken for one.
package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	// timeout is how long one request may take. A server ends one earlier, with an answer.
	timeout = time.Minute
	// mostBytes is the size of the largest answer.
	mostBytes = 128 << 20
	// mostAttempts is how often a request is sent, and mostWait how long it may have to
	// wait for that: a longer pause is for people to decide about.
	mostAttempts = 3
	mostWait     = 10 * time.Second
)

// Options are what a client is made from.
type Options struct {
	// Server is the address, as Address reads it.
	Server *url.URL
	Token  string
	// CAFile has further certificate authorities to trust; may be empty.
	CAFile string
	// Agent names the program.
	Agent string
	// Timeout is how long one request may take; a minute by default.
	Timeout time.Duration
	// MostBytes is the size of the largest answer; 128 MiB by default.
	MostBytes int64
}

// Client speaks to one server.
type Client struct {
	server  *url.URL
	token   string
	agent   string
	timeout time.Duration
	most    int64
	http    *http.Client
}

// New makes a client. It connects when the first operation runs.
func New(o Options) (*Client, error) {
	transport, err := outbound.Transport(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities of the server (--server-ca-file, TAGWATCH_SERVER_CA_FILE): %w", err)
	}
	c := &Client{server: o.Server, token: o.Token, agent: o.Agent, timeout: timeout, most: mostBytes}
	if o.Timeout > 0 {
		c.timeout = o.Timeout
	}
	if o.MostBytes > 0 {
		c.most = o.MostBytes
	}
	// No redirect is followed: the token is for this server.
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// Do implements operations.Remote.
func (c *Client) Do(ctx context.Context, call operations.Call) error {
	waited := time.Duration(0)
	for attempt := 1; ; attempt++ {
		pause, err := c.attempt(ctx, call)
		if pause == 0 || attempt == mostAttempts || waited+pause > mostWait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			waited += pause
		}
	}
}

// attempt sends a call once. pause is how long to wait before another one, 0 if there is
// not to be one.
func (c *Client) attempt(ctx context.Context, call operations.Call) (pause time.Duration, err error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := c.request(limited, call)
	if err != nil {
		return 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	err = c.read(response, call)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = c.unreachable(ctx, err)
	}
	return pauseBefore(response, call), err
}

// pauseBefore is how long a server wants a client to wait. Only what it did not carry out,
// or what changes nothing, is sent again.
func pauseBefore(response *http.Response, call operations.Call) time.Duration {
	again := response.StatusCode == http.StatusTooManyRequests ||
		response.StatusCode == http.StatusServiceUnavailable && call.Method == http.MethodGet
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if !again || err != nil || seconds < 1 || seconds > int(mostWait/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// unreachable is the error of a request without an answer. ctx is the one that an
// interrupt ends.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the server at %s did not answer within %s", c.server, c.timeout)
	}
	if untrusted(err) {
		return fmt.Errorf("the certificate of the server at %s is not trusted: %w; name the authority that it is from with --server-ca-file (TAGWATCH_SERVER_CA_FILE)", c.server, err)
	}
	return fmt.Errorf("the server at %s is not reachable: %w; check the address (--server, TAGWATCH_SERVER, tagwatch login)", c.server, err)
}

func untrusted(err error) bool {
	_, failed := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return failed || unknown
}
