package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Bounds of a connection, beside the timeout of the attempt.
const (
	connectTimeout   = 10 * time.Second // also of the TLS handshake
	idleTimeout      = 90 * time.Second
	idleConnections  = 32 // per host
	maxHeaderBytes   = 64 << 10
	maxExpectedHosts = 256 // with an idle connection
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// clients has one HTTP transport for each set of TLS files and each proxy, so that
// endpoints without any share their connections.
type clients struct {
	dial dialFunc

	mu    sync.Mutex
	byUse map[use]client
}

// use identifies a transport; the proxy is its address or a reference to it.
type use struct {
	tlsFiles
	proxy string
}

type client struct {
	*http.Transport
	sum [sha256.Size]byte // of the content of the files and of the proxy's address
}

func newClients(dial dialFunc) *clients {
	return &clients{dial: dial, byUse: map[use]client{}}
}

// get returns the transport for the files and the proxy as they are now:
// certificates and passwords are replaced while the worker runs.
func (c *clients) get(files tlsFiles, given string, proxy *url.URL) (*http.Transport, error) {
	content, err := files.read()
	if err != nil {
		return nil, err
	}
	sum, key := content.sum(proxy), use{files, given}
	c.mu.Lock()
	defer c.mu.Unlock()
	current, found := c.byUse[key]
	if found && current.sum == sum {
		return current.Transport, nil
	}
	config, err := content.config(files)
	if err != nil {
		return nil, err
	}
	if found {
		current.CloseIdleConnections()
	}
	c.byUse[key] = client{newTransport(c.dial, config, proxy), sum}
	return c.byUse[key].Transport, nil
}

func (c *clients) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, each := range c.byUse {
		each.CloseIdleConnections()
	}
}

// errNoTunnel is the error of a proxy that refuses to connect to the receiver.
var errNoTunnel = errors.New("the proxy refused to open a tunnel")

// tunnelAnswer turns a refused tunnel into an error that names the proxy, whose status
// says nothing about the receiver.
func tunnelAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%w: HTTP %d", errNoTunnel, answer.StatusCode)
}

// newTransport uses the proxy, or none. It never uses one of the environment, because
// the address check would see its address instead of the receiver's. It disables
// compression, because a small answer could unpack into an endless one.
func newTransport(dial dialFunc, config *tls.Config, proxy *url.URL) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		Proxy:                  func(*http.Request) (*url.URL, error) { return proxy, nil },
		OnProxyConnectResponse: tunnelAnswer,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           maxExpectedHosts,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// tlsFiles are paths of PEM files; empty ones are not used.
type tlsFiles struct{ ca, cert, key string }

// tlsContent is the content of the files.
type tlsContent struct{ ca, cert, key []byte }

func (f tlsFiles) read() (tlsContent, error) {
	var content tlsContent
	for _, file := range []struct {
		path string
		into *[]byte
	}{{f.ca, &content.ca}, {f.cert, &content.cert}, {f.key, &content.key}} {
		if file.path == "" {
			continue
		}
		bytes, err := readBounded(file.path)
		if err != nil {
			return tlsContent{}, fmt.Errorf("certificate: %w", err)
		}
		*file.into = bytes
	}
	return content, nil
}

func (c tlsContent) sum(proxy *url.URL) [sha256.Size]byte {
	hash := sha256.New()
	for _, part := range [][]byte{c.ca, c.cert, c.key} {
		fmt.Fprintf(hash, "%d\n", len(part))
		hash.Write(part)
	}
	if proxy != nil {
		fmt.Fprint(hash, proxy) // with its password
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

func (c tlsContent) config(files tlsFiles) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.ca) > 0 {
		roots, err := outbound.Roots(c.ca)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities from %s: %w: %w", files.ca, errkind.Unavailable, err)
		}
		config.RootCAs = roots
	}
	if len(c.cert) > 0 {
		pair, err := tls.X509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s with key %s: %w", files.cert, files.key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
