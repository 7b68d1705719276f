package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
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

// clients holds one HTTP transport for each set of TLS files, so that endpoints
// without any share their connections.
type clients struct {
	dial dialFunc

	mu      sync.Mutex
	byFiles map[tlsFiles]client
}

type client struct {
	*http.Transport
	sum [sha256.Size]byte // of what the files held
}

func newClients(dial dialFunc) *clients {
	return &clients{dial: dial, byFiles: map[tlsFiles]client{}}
}

// get returns the transport for the files as they are now: certificates are
// replaced while the worker runs.
func (c *clients) get(files tlsFiles) (*http.Transport, error) {
	content, err := files.read()
	if err != nil {
		return nil, err
	}
	sum := content.sum()
	c.mu.Lock()
	defer c.mu.Unlock()
	known, found := c.byFiles[files]
	if found && known.sum == sum {
		return known.Transport, nil
	}
	config, err := content.config(files)
	if err != nil {
		return nil, err
	}
	if found {
		known.CloseIdleConnections()
	}
	c.byFiles[files] = client{newTransport(c.dial, config), sum}
	return c.byFiles[files].Transport, nil
}

func (c *clients) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, each := range c.byFiles {
		each.CloseIdleConnections()
	}
}

// newTransport uses no proxy: the address check would see the proxy's address
// and not the receiver's. It asks for no compression, because a small answer
// could unpack into an endless one.
func newTransport(dial dialFunc, config *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
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

// tlsContent is what the files hold.
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

func (c tlsContent) sum() [sha256.Size]byte {
	hash := sha256.New()
	for _, part := range [][]byte{c.ca, c.cert, c.key} {
		fmt.Fprintf(hash, "%d\n", len(part))
		hash.Write(part)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

func (c tlsContent) config(files tlsFiles) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.ca) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(c.ca) {
			return nil, fmt.Errorf("the file %s holds no certificate in PEM form: %w", files.ca, fault.Unavailable)
		}
		config.RootCAs = pool
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
