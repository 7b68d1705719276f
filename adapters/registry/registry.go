// Package registry speaks the OCI distribution protocol: what a tag points to,
// which tags a repository has, and the documents and layers of an image.
//
// It is polite and suspicious. One rate limit per host covers every request to it,
// connections and tokens are reused, and a host that asks to wait is left alone.
// What a registry sends is bounded and verified against its digest, and it
// cannot lead Tagwatch to addresses that only Tagwatch can reach.
//
// See https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// Options configure a Registry. The zero value is ready for production.
type Options struct {
	// Version of Tagwatch, for the user agent.
	Version string
	// InsecureHosts (host or host:port) may be spoken to over plain HTTP, if they
	// do not answer over TLS. Hosts on the loopback interface always may.
	InsecureHosts []string
	// CAFile names a PEM file with certificate authorities that are trusted
	// besides the system's.
	CAFile string
	// File names a registries file; see package conf.
	File string
	// CertificateDirectories hold folders of certificates by host; none for
	// conf.DefaultCertificateDirectories.
	CertificateDirectories []string
	// RequestsPerSecond is the rate limit of each host; default 50.
	RequestsPerSecond float64
	// Shares is where all who have it share these limits, and those that hosts
	// announce; nil for a client that has them for itself.
	Shares Shares
	// Concurrency is how many requests one host has to answer at a time, and how
	// many layers it transfers; default 8.
	Concurrency int
	// Log is notified of changed files; nil for nobody.
	Log *slog.Logger
}

// Registry is a client of all registries. It is safe for concurrent use.
// Credentials come from Docker's configuration and its credential helpers, and
// from the key chains of Amazon, Google and Azure for their own registries.
type Registry struct {
	options     Options
	id          string // of this client, among those that share limits
	userAgent   string
	keys        *keychain
	timeouts    timeouts
	near        nearness
	log         *slog.Logger
	documents   documents
	fileWatcher fileWatcher
	current     atomic.Pointer[setup]
	strangers   strangers
}

// timeouts is how long the parts of an answer may take.
type timeouts struct {
	document time.Duration // a manifest, config, page of a list, or token, as a whole
	list     time.Duration // all pages of a list
	stall    time.Duration // a pause within a layer
	mirror   time.Duration // the header of a mirror's answer: there is another place to ask
}

var defaultTimeouts = timeouts{document: time.Minute, list: 15 * time.Minute, stall: time.Minute, mirror: 10 * time.Second}

// New checks the options and reads the registries file and all certificates,
// which are read again when they have changed.
func New(options Options) (*Registry, error) {
	options.RequestsPerSecond = cmp.Or(options.RequestsPerSecond, 50)
	options.Concurrency = cmp.Or(options.Concurrency, 8)
	if len(options.CertificateDirectories) == 0 {
		options.CertificateDirectories = conf.DefaultCertificateDirectories()
	}
	r := &Registry{
		options:     options,
		id:          rand.Text()[:12],
		userAgent:   "tagwatch/" + cmp.Or(options.Version, "devel"),
		keys:        newKeychain(),
		timeouts:    defaultTimeouts,
		near:        ipclass.Find,
		log:         cmp.Or(options.Log, slog.New(slog.DiscardHandler)),
		documents:   newDocuments(),
		fileWatcher: fileWatcher{every: checkInterval},
	}
	first, err := newSetup(r)
	if err != nil {
		return nil, err
	}
	r.current.Store(first)
	r.fileWatcher.checked = time.Now()
	return r, nil
}

// Unread are the keys of the registries file that other readers obey and
// Tagwatch does not.
func (r *Registry) Unread() []string { return r.current.Load().file.Ignored }

// Resolve reads what a tag points to and, if that is an index, selects the
// platform's manifest in it. Who knows already what the tag points to gives its
// digest, which is read then: a cache may still have another answer for the tag.
// The zero platform is image.DefaultPlatform in an index, and any where there is
// none: an image of one platform is what the tag is. One that was asked for has
// to be the image's.
func (r *Registry) Resolve(ctx context.Context, ref image.Reference, top image.Digest, platform image.Platform) (image.Resolved, error) {
	resolved, err := r.resolve(ctx, ref, top, platform)
	if err != nil {
		err = r.doubt(ctx, ref, err)
		return image.Resolved{}, fmt.Errorf("resolve %s: %w", ref, err)
	}
	return resolved, nil
}

func (r *Registry) resolve(ctx context.Context, ref image.Reference, top image.Digest, platform image.Platform) (image.Resolved, error) {
	document, err := r.pointedTo(ctx, ref, top)
	if err != nil {
		return image.Resolved{}, err
	}
	if document.mediaType.IsIndex() {
		selected, err := r.selectImage(ctx, ref.Repository, document, platform.OrDefault())
		return image.Resolved{Manifest: selected, Index: document.digest}, err
	}
	if _, err := document.imageManifest(); err != nil {
		return image.Resolved{}, err
	}
	if platform != (image.Platform{}) {
		err = r.isFor(ctx, ref.Repository, document, platform)
	}
	return image.Resolved{Manifest: document.digest}, err
}

// pointedTo reads what a tag points to: by the digest if that is known, and by
// the tag where the registry does not have that digest.
func (r *Registry) pointedTo(ctx context.Context, ref image.Reference, top image.Digest) (document, error) {
	if top == "" {
		return r.manifest(ctx, ref.Repository, ref.Identifier())
	}
	doc, err := r.manifest(ctx, ref.Repository, string(top))
	if !errors.Is(err, errkind.NotFound) {
		return doc, err
	}
	if doc, err = r.manifest(ctx, ref.Repository, ref.Identifier()); err != nil || doc.digest == top {
		return doc, err
	}
	return document{}, fmt.Errorf("%s says that the tag points to %s, which it does not have, and sends %s for it: %w",
		ref.Registry, top, doc.digest, errkind.Unavailable)
}

// host returns the one session with a registry.
func (r *Registry) host(named string) (*host, error) { return r.current.Load().host(named) }

// plainAllowed reports whether plain HTTP to a host is permitted.
func (r *Registry) plainAllowed(hostport string) bool {
	return r.plainNamed(hostport) || isLoopback(hostport)
}

// plainNamed reports whether the options permit it by name.
func (r *Registry) plainNamed(hostport string) bool {
	return slices.ContainsFunc(r.options.InsecureHosts, func(allowed string) bool {
		return strings.EqualFold(allowed, hostport) || strings.EqualFold(allowed, hostnameOf(hostport))
	})
}

// insecure reports whether the options or the registries file name a host that
// may be led to without TLS.
func (r *Registry) insecure(hostport string) bool {
	return r.plainNamed(hostport) || r.current.Load().file.Insecure(strings.ToLower(hostport))
}

// isLoopback judges by the name alone: a name that merely resolves to the
// loopback interface is not trusted with it.
func isLoopback(hostport string) bool {
	hostname := strings.ToLower(hostnameOf(hostport))
	address, err := netip.ParseAddr(hostname)
	return err == nil && address.IsLoopback() || hostname == "localhost" || strings.HasSuffix(hostname, ".localhost")
}

func hostnameOf(hostport string) string {
	if hostname, _, err := net.SplitHostPort(hostport); err == nil {
		return hostname
	}
	return strings.Trim(hostport, "[]")
}
