package main

import (
	"crypto/tls"
	"sync"
	"time"
)

// certificateAge is after how long a certificate is read again: whoever renews
// it need not restart the worker.
const certificateAge = time.Minute

// certificate is one that is kept in files.
type certificate struct {
	certFile, keyFile string

	mu   sync.Mutex
	held *tls.Certificate
	read time.Time
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return c, nil
}

// get is for tls.Config. Files that are being replaced do not fit together for a
// moment: what was read before serves until they do.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil && time.Since(c.read) < certificateAge {
		return c.held, nil
	}
	read, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.held = &read
	}
	c.read = time.Now()
	if c.held != nil {
		return c.held, nil
	}
	return nil, err
}
