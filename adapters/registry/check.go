package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
)

// checkTimeout bounds the check of one place.
const checkTimeout = 20 * time.Second

// Check reports the settings of a registry and tests the connection. The name
// is a host, or [registry/]repository[:tag], which is then looked up as well.
// What is learned is not kept, but a host that was left alone because it failed
// and answers now is asked again. An error is a name that is none.
func (r *Registry) Check(ctx context.Context, name string) (polling.Report, error) {
	subject, err := subjectOf(name)
	if err != nil {
		return polling.Report{}, err
	}
	now := r.inForceNow(ctx)
	report := polling.Report{Name: name, File: now.file.Path, Refused: r.Refused()}
	entry := now.entry(subject.named)
	report.Section = entry.Section
	if entry.Blocked {
		report.Problem = fmt.Sprintf("%s is blocked by %s of %s", name, entry.Section, now.file.Path)
		return report, nil
	}
	report.Places = make([]polling.Place, len(entry.Mirrors)+1)
	var group errgroup.Group
	for i := range report.Places {
		group.Go(func() error {
			report.Places[i] = now.checkPlace(ctx, subject, entry, i)
			return nil
		})
	}
	_ = group.Wait() // no check returns an error
	report.Works = report.Places[len(entry.Mirrors)].InOrder()
	return report, nil
}

// subject is what is checked.
type subject struct {
	named string // host, or host/path as the registry knows it
	tag   string // or digest; "" for a host
}

func subjectOf(name string) (subject, error) {
	if !strings.Contains(name, "/") {
		repository, err := image.ParseRepository(name + "/any")
		if err != nil || !strings.EqualFold(repository.Registry, name) {
			return subject{}, fmt.Errorf("invalid registry %q: expected a host such as registry.example.com:5000, or a repository such as docker.io/library/nginx: %w", name, errkind.Invalid)
		}
		return subject{named: repository.Registry}, nil
	}
	ref, err := image.ParseReference(name)
	return subject{named: whole(ref.Repository), tag: ref.Identifier()}, err
}

// checkPlace checks the mirror of that number, or the location after all of
// them.
func (s *setup) checkPlace(ctx context.Context, about subject, entry *conf.Registry, number int) polling.Place {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, fmt.Errorf("no answer in %s", checkTimeout))
	defer cancel()
	location, report := entry.Location, polling.Place{For: []string{"tags", "digests"}}
	if number < len(entry.Mirrors) {
		location, report.Mirror, report.For = entry.Mirrors[number].Location, true, askedFor(entry.Mirrors[number].Pull)
	}
	written := entry.Rewrite(about.named, location)
	report.Host, report.Path, _ = strings.Cut(written, "/")
	at, err := s.place(written, report.Mirror)
	if err != nil {
		report.Answer.Problem = sentence(err)
		return report
	}
	if about.tag == "" {
		at.path = ""
	}
	c := check{place{at.host.anew(), at.path, at.mirror}, about.tag, &report}
	c.settings()
	c.try(ctx)
	report.RateLimit = at.host.rateLimit.report()
	return report
}

func askedFor(pull string) (kinds []string) {
	if answers(pull, false) {
		kinds = append(kinds, "tags")
	}
	if answers(pull, true) {
		kinds = append(kinds, "digests")
	}
	return kinds
}

// check is the check of one place.
type check struct {
	place
	tag    string
	report *polling.Place
}

// settings reports what would be used.
func (c check) settings() {
	s, report := c.host.settings, c.report
	report.Plain, report.Unverified, report.Authorities = s.plain, s.unverified, s.authorities
	for _, pair := range s.client {
		report.ClientCertificates = append(report.ClientCertificates, pair.Certificate)
	}
	address := c.host.address(false)
	if proxy, err := s.via(&http.Request{URL: &address}); err == nil && proxy != nil {
		report.Proxy = (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
	}
}

// try goes from step to step as long as they succeed.
func (c check) try(ctx context.Context) {
	var challenge transport.Challenge
	var authorization string
	held, lookup := c.credentials(ctx)
	at := c // where the credentials are needed
	c.step(&c.report.Answer, func() (err error) {
		challenge, err = c.host.handshake(ctx)
		return err
	})
	if !c.report.Answer.Done {
		return
	}
	address := c.host.address(challenge.Insecure)
	c.report.URL = address.String()
	if at.host = c.host.ledBy(&challenge); at.host != c.host {
		c.report.RedirectsTo = at.host.name
		held, lookup = at.credentials(ctx)
	}
	c.authentication(challenge)
	c.step(&c.report.Login, func() (err error) {
		if lookup != nil {
			return lookup
		}
		authorization, err = at.login(ctx, challenge, held)
		return err
	})
	if !c.report.Login.Done || c.tag == "" {
		return
	}
	c.report.Tag = &polling.Step{}
	c.step(c.report.Tag, func() error {
		if at.host == c.host {
			c.keep(authorization)
		}
		return c.check(ctx)
	})
}

func (c check) step(into *polling.Step, do func() error) {
	began := time.Now()
	err := do()
	into.Done, into.Seconds = err == nil, time.Since(began).Seconds()
	if err != nil {
		into.Problem = sentence(err)
	}
}

func (c check) authentication(challenge transport.Challenge) {
	switch c.report.Authentication = strings.ToLower(challenge.Scheme); c.report.Authentication {
	case "":
		c.report.Authentication = "none"
	case "bearer":
		c.report.Authentication = "token"
		if realm, err := url.Parse(challenge.Parameters["realm"]); err == nil {
			c.report.TokenService = (&url.URL{Scheme: realm.Scheme, Host: realm.Host, Path: realm.Path}).String()
		}
	}
}

// credentials are those that would be presented.
func (c check) credentials(ctx context.Context) (credentials, error) {
	c.host.client.keys.forget(c.host)
	held, err := c.host.client.keys.find(ctx, c.host, c.path)
	c.report.Credentials, c.report.User = "", ""
	if !held.none() {
		c.report.Credentials = held.source.kind + " " + held.source.name
	}
	if held.username != identityUser {
		c.report.User = held.username
	}
	return held, err
}

// login presents the credentials, or none, and has the registry say whether it
// accepts them.
func (c check) login(ctx context.Context, challenge transport.Challenge, held credentials) (authorization string, err error) {
	h := c.host
	authorization = held.header()
	if c.report.Authentication == "token" && held.registryToken == "" {
		scope := ""
		if c.path != "" {
			scope = pullScope(c.path)
		}
		issued, err := h.exchange(ctx, challenge, held, scope)
		if err != nil {
			return "", err
		}
		authorization = issued.header
	}
	return authorization, c.admitted(ctx, authorization, held, challenge.Insecure)
}

// admitted asks the registry for nothing, with the authorization.
func (c check) admitted(ctx context.Context, authorization string, held credentials, plain bool) error {
	h := c.host
	resp, err := h.root(ctx, authorization, plain)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if sent, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		if offset := time.Until(sent).Round(time.Second); offset.Abs() > 5*time.Second {
			c.report.ClockOffset = offset.Seconds()
		}
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		c.report.CertificateEnds = resp.TLS.PeerCertificates[0].NotAfter.UTC()
	}
	switch {
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusUnauthorized && c.report.Authentication == "token" && c.path == "":
		return nil // a token for nothing in particular may not even allow this
	case resp.StatusCode == http.StatusUnauthorized && !held.none():
		return h.rateLimit.refused(h.refusedCredentials(held))
	}
	return statusOf(resp, h.name, authorization)
}

// keep uses the authorization of the login for the tag.
func (c check) keep(authorization string) {
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	c.host.tokens[pullScope(c.path)] = token{header: authorization, until: time.Now().Add(checkTimeout)}
}

// check asks what the tag points to.
func (c check) check(ctx context.Context) error {
	h := c.host
	ref := image.Repository{Registry: h.name, Path: c.path}.Reference(c.tag)
	digest, err := c.digestOfTag(ctx, ref)
	c.report.Digest = digest
	return err
}

// RateLimit is what may be asked of a registry, as this worker knows it.
func (r *Registry) RateLimit(registry string) polling.RateLimit {
	h, err := r.host(registry)
	if err != nil {
		return polling.RateLimit{}
	}
	report := h.rateLimit.report()
	report.Refused = r.Refused()
	return report
}

func (b *rateLimit) report() polling.RateLimit {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.allowance.regain(now)
	report := polling.RateLimit{RequestsPerSecond: float64(b.rate.Limit()), Concurrency: cap(b.slots),
		Limit: b.allowance.limit, Remaining: max(0, b.allowance.remaining), Window: b.allowance.window}
	if report.Limit == 0 {
		report.Remaining = 0
	}
	t := turn{rateLimit: b}
	if err, closed := t.closedAt(now).(*CoolDownError); closed {
		report.Closed, report.Until = err.why, now.Add(err.wait).UTC()
	} else if b.allowance.limit > 0 && b.allowance.remaining <= 0 {
		report.Closed, report.Until = b.allowance.usedUp(), now.Add(b.allowance.opens(now)).UTC()
	}
	return report
}
