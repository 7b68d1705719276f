package registry

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
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
}

// settingsOf brings together what the options and the registries file say of a
// host, as references name it.
func (r *Registry) settingsOf(named string) (hostSettings, error) {
	own := r.file.Hosts[strings.ToLower(named)]
	s := hostSettings{
		unverified:  r.file.Insecure(strings.ToLower(named)),
		perSecond:   cmp.Or(own.RequestsPerSecond, r.options.RequestsPerSecond),
		concurrency: cmp.Or(own.Concurrency, r.options.Concurrency),
		proxy:       own.Proxy,
		asked:       &atomic.Bool{},
	}
	s.plain = s.unverified || r.plainAllowed(named)
	found, err := conf.CertificatesOf(named, r.options.CertificateDirectories)
	if err != nil {
		return s, fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	s.authorities, s.client = found.Authorities, found.Pairs
	if own.ClientCertificate != "" {
		s.client = []conf.Pair{{Certificate: own.ClientCertificate, Key: own.ClientKey}}
	}
	for _, file := range []string{r.options.CAFile, own.CAFile} {
		if file != "" {
			s.authorities = append(s.authorities, file)
		}
	}
	return s, nil
}

// tls is how the host is recognized, and how it recognizes Tagwatch.
func (s hostSettings) tls() (*tls.Config, error) {
	roots, err := rootsWith(s.authorities...)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.unverified}
	for _, pair := range s.client {
		if _, err := tls.LoadX509KeyPair(pair.Certificate, pair.Key); err != nil {
			return nil, fmt.Errorf("client certificate %s with key %s: %w: %w", pair.Certificate, pair.Key, fault.Unavailable, err)
		}
	}
	config.GetClientCertificate = s.clientCertificate
	return config, nil
}

// clientCertificate reads the files at each handshake, so that a renewed
// certificate needs no restart. Without any, it is an empty one.
func (s hostSettings) clientCertificate(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	s.asked.Store(true)
	first := &tls.Certificate{}
	for _, pair := range s.client {
		loaded, err := tls.LoadX509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", pair.Certificate, err)
		}
		if len(first.Certificate) == 0 {
			first = &loaded
		}
		if asked.SupportsCertificate(&loaded) == nil {
			return &loaded, nil
		}
	}
	return first, nil // the host says what it does not like about it
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

// rootsWith is nil, which means the system's authorities, without a file.
func rootsWith(files ...string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities: %w: %w", fault.Unavailable, err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authorities in %s: no PEM certificate found: %w", file, fault.Invalid)
		}
	}
	return roots, nil
}

// Unread are the keys of the registries file that other readers obey and
// Tagwatch does not.
func (r *Registry) Unread() []string { return r.file.Ignored }

// place is where a repository, or a copy of it, is found.
type place struct {
	host   *host
	path   string
	mirror bool
}

// places are where to ask for something of a repository, in order. What has a
// digest is the same wherever it comes from, so mirrors are asked first. What a
// tag points to differs between a registry and a mirror that lags behind, and
// would seem to move back and forth: only a mirror that is said to answer for
// tags is asked for them.
func (r *Registry) places(repository image.Repository, byDigest bool) ([]place, error) {
	named := repository.Registry + "/" + pathAt(repository)
	entry := r.file.Find(named)
	if entry == nil {
		entry = &conf.Registry{Prefix: named, Location: named}
	}
	if entry.Blocked {
		return nil, fmt.Errorf("%s is blocked by %s of %s: %w", repository, entry.Section, r.file.Path, fault.Invalid)
	}
	var places []place
	for _, mirror := range entry.Mirrors {
		if !answers(mirror.Pull, byDigest) {
			continue
		}
		if at, err := r.place(entry.Rewrite(named, mirror.Location), true); err == nil {
			places = append(places, at) // one that is set up wrongly is passed over, as one that is down; registry check tells
		}
	}
	at, err := r.place(entry.Rewrite(named, entry.Location), false)
	return append(places, at), err
}

func answers(pull string, byDigest bool) bool {
	if byDigest {
		return pull != conf.PullTags
	}
	return pull == conf.PullTags || pull == conf.PullAll
}

func (r *Registry) place(name string, mirror bool) (place, error) {
	named, path, _ := strings.Cut(name, "/")
	h, err := r.host(named)
	return place{host: h, path: path, mirror: mirror}, err
}
