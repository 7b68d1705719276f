package registry

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// hostSettings are how one host is spoken to.
type hostSettings struct {
	plain       bool // plain HTTP is allowed
	unverified  bool // so is a certificate that cannot be verified
	perSecond   float64
	concurrency int
	proxy       *url.URL // nil for the environment's, without a host for none
	authorities []string // files
	client      []conf.Pair
	asked       *atomic.Bool // the host asked for a client certificate
	mark        mark

	roots      *x509.CertPool // of the authorities; nil for the system's alone
	identities []tls.Certificate
}

// mark is the same for the same settings, with the same in all files.
type mark [sha256.Size]byte

// settingsOf brings together what the options and the registries file say of a
// host, as references name it, and reads the certificates.
func (s *setup) settingsOf(named string) (hostSettings, error) {
	found, err := s.written(named)
	if err == nil {
		err = s.load(&found)
	}
	if err != nil {
		return found, fmt.Errorf("registry %s: %w", named, err)
	}
	return found, nil
}

func (s *setup) written(named string) (hostSettings, error) {
	options, own := s.client.options, s.file.Hosts[strings.ToLower(named)]
	h := hostSettings{
		unverified:  s.file.Insecure(strings.ToLower(named)),
		perSecond:   cmp.Or(own.RequestsPerSecond, options.RequestsPerSecond),
		concurrency: cmp.Or(own.Concurrency, options.Concurrency),
		proxy:       own.Proxy,
		asked:       &atomic.Bool{},
	}
	h.plain = h.unverified || s.client.plainAllowed(named)
	certificates, err := conf.CertificatesOf(named, options.CertificateDirectories)
	if err != nil {
		return h, fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
	h.authorities, h.client = certificates.Authorities, certificates.Pairs
	if own.ClientCertificate != "" {
		h.client = []conf.Pair{{Certificate: own.ClientCertificate, Key: own.ClientKey}}
	}
	for _, file := range []string{options.CAFile, own.CAFile} {
		if file != "" {
			h.authorities = append(h.authorities, file)
		}
	}
	return h, nil
}

// load reads the files of the settings, and marks what it read.
func (s *setup) load(h *hostSettings) (err error) {
	if h.roots, err = s.authorities(h.authorities...); err != nil {
		return err
	}
	seal := sha256.New()
	fmt.Fprintf(seal, "%t %t %g %d %v %q %q", h.plain, h.unverified, h.perSecond, h.concurrency, h.proxy, h.authorities, h.client)
	for _, pair := range h.client {
		identity, err := s.identity(pair)
		if err != nil {
			return fmt.Errorf("client certificate %s with key %s: %w: %w", pair.Certificate, pair.Key, errkind.Unavailable, err)
		}
		h.identities = append(h.identities, identity)
		fmt.Fprintf(seal, " %x %x", s.files.known(pair.Certificate), s.files.known(pair.Key))
	}
	for _, file := range h.authorities {
		fmt.Fprintf(seal, " %x", s.files.known(file))
	}
	seal.Sum(h.mark[:0])
	return nil
}

func (s *setup) identity(pair conf.Pair) (tls.Certificate, error) {
	certificate, err := s.files.read(pair.Certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := s.files.read(pair.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

// authorities are nil, which means the system's, without a file.
func (s *setup) authorities(files ...string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	texts := make([][]byte, len(files))
	for i, file := range files {
		text, err := s.files.read(file)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities: %w: %w", errkind.Unavailable, err)
		}
		if _, err := outbound.Roots(text); err != nil {
			return nil, fmt.Errorf("certificate authorities in %s: %w: %w", file, errkind.Invalid, err)
		}
		texts[i] = text
	}
	return outbound.Roots(texts...)
}

// tls is how the host is recognized, and how it recognizes Tagwatch.
func (s hostSettings) tls() *tls.Config {
	return &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.unverified,
		GetClientCertificate: s.clientCertificate}
}

// clientCertificate is one that suits the host, the first if none does, and
// empty without any.
func (s hostSettings) clientCertificate(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	s.asked.Store(true)
	for i := range s.identities {
		if asked.SupportsCertificate(&s.identities[i]) == nil {
			return &s.identities[i], nil
		}
	}
	if len(s.identities) > 0 {
		return &s.identities[0], nil // the host says what it does not like about it
	}
	return &tls.Certificate{}, nil
}

// via is the proxy for a request.
func (s hostSettings) via(req *http.Request) (*url.URL, error) {
	switch {
	case s.proxy == nil:
		return http.ProxyFromEnvironment(req)
	case s.proxy.Host == "":
		return nil, nil
	}
	return s.proxy, nil
}
