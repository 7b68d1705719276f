package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
)

// door is an address at which others reach this worker, with the options that name it.
type door struct {
	address, certFile, keyFile string
	// option and prefix are those of the settings, as in --push-address and push.
	option, variable, prefix string
	// open is what passes unencrypted without a certificate.
	open string
}

// listen opens the address, with TLS if there is a certificate.
func (d door) listen(ctx context.Context, logger *slog.Logger) (net.Listener, error) {
	listener, err := httpserver.Listen(d.address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s (%s, %s): %w", d.address, d.option, d.variable, err)
	}
	if d.certFile == "" {
		if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
			logger.WarnContext(ctx, d.open+" without TLS; give --"+d.prefix+"-cert-file, or put a proxy with TLS in front", "address", listener.Addr().String())
		}
		return listener, nil
	}
	certificate, err := newCertificate(d.certFile, d.keyFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the certificate (--%s-cert-file, --%s-key-file): %w", d.prefix, d.prefix, err), listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}
