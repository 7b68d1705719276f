package conf

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	hostForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}))?$`)
	pathForm = regexp.MustCompile(`^[a-z0-9]+([._/-]+[a-z0-9]+)*$`)
	pulls    = []string{PullDefault, PullAll, PullDigests, PullTags}
)

func (w writtenRegistry) registry(section string) (Registry, error) {
	r := Registry{Section: section, Insecure: w.Insecure, Blocked: w.Blocked,
		Prefix: cmp.Or(w.Prefix, w.Location), Location: w.Location}
	wild := strings.HasPrefix(r.Prefix, "*.")
	if r.Prefix == "" {
		return r, fmt.Errorf("%s: neither prefix nor location is set", section)
	}
	if !wild {
		r.Location = cmp.Or(w.Location, w.Prefix)
	}
	if err := checkLocation(section+".prefix", strings.TrimPrefix(r.Prefix, "*."), !wild); err != nil {
		return r, err
	}
	if r.Location != "" {
		if err := checkLocation(section+".location", r.Location, true); err != nil {
			return r, err
		}
	}
	for i, mirror := range w.Mirrors {
		at := fmt.Sprintf("%s.mirror[%d]", section, i)
		if err := checkLocation(at+".location", mirror.Location, true); err != nil {
			return r, err
		}
		if !slices.Contains(pulls, mirror.Pull) {
			return r, fmt.Errorf("%s.pull-from-mirror: %q is not one of %s", at, mirror.Pull, strings.Join(pulls[1:], ", "))
		}
		if w.MirrorByDigest {
			if mirror.Pull != PullDefault {
				return r, fmt.Errorf("%s.pull-from-mirror: contradicts mirror-by-digest-only of %s; leave one of them out", at, section)
			}
			mirror.Pull = PullDigests
		}
		r.Mirrors = append(r.Mirrors, Mirror(mirror))
	}
	return r, nil
}

// checkLocation accepts host[:port], and a path after it if it may have one.
func checkLocation(at, location string, mayHavePath bool) error {
	host, path, found := strings.Cut(location, "/")
	switch {
	case location == "":
		return fmt.Errorf("%s: is missing; write a host, as registry.example.com:5000", at)
	case strings.Contains(location, "://"):
		return fmt.Errorf("%s: %q begins with a scheme; leave it out, and set insecure for plain HTTP", at, withoutUser(location))
	case found && !mayHavePath:
		return fmt.Errorf("%s: %q has a path; only a host with an optional port can stand here", at, location)
	case found && !pathForm.MatchString(path):
		return fmt.Errorf("%s: %q has a path that no repository has; leave out tags, digests and a slash at the end", at, location)
	}
	parts := hostForm.FindStringSubmatch(host)
	if parts == nil {
		return fmt.Errorf("%s: %q is not a host name with an optional port", at, host)
	}
	if port, err := strconv.Atoi(cmp.Or(parts[4], "1")); err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("%s: %q has no port between 1 and 65535", at, host)
	}
	if literal := strings.Trim(parts[1], "[]"); literal != parts[1] {
		if _, err := netip.ParseAddr(literal); err != nil {
			return fmt.Errorf("%s: %q is not an IPv6 address", at, host)
		}
	}
	return nil
}

func (w writtenHost) host(at string) (h Host, err error) {
	if w.Rate != nil {
		if h.RequestsPerSecond = *w.Rate; !(h.RequestsPerSecond > 0) {
			return h, fmt.Errorf("%s.requests-per-second: %g is not above 0", at, h.RequestsPerSecond)
		}
	}
	if w.Concurrency != nil {
		if h.Concurrency = *w.Concurrency; h.Concurrency < 1 || h.Concurrency > 1000 {
			return h, fmt.Errorf("%s.concurrency: %d is not between 1 and 1000", at, h.Concurrency)
		}
	}
	if w.Proxy != nil {
		if h.Proxy, err = proxyOf(at+".proxy", *w.Proxy); err != nil {
			return h, err
		}
	}
	if (w.Certificate == "") != (w.Key == "") {
		return h, fmt.Errorf("%s: client-certificate and client-key belong together", at)
	}
	for key, path := range map[string]string{"ca-file": w.CAFile, "client-certificate": w.Certificate, "client-key": w.Key} {
		if path != "" && !filepath.IsAbs(path) {
			return h, fmt.Errorf("%s.%s: %q is not an absolute path", at, key, path)
		}
	}
	h.CAFile, h.ClientCertificate, h.ClientKey = w.CAFile, w.Certificate, w.Key
	return h, nil
}

// proxyOf reads the address of a proxy; "none" has no host.
func proxyOf(at, text string) (*url.URL, error) {
	if text == "none" {
		return &url.URL{}, nil
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, parsed.Scheme) {
		return nil, fmt.Errorf("%s: is none, or a URL as http://proxy.example.com:3128 (http, https, socks5)", at)
	}
	if parsed.User != nil {
		return nil, fmt.Errorf("%s: holds credentials, which do not belong into this file; use HTTPS_PROXY in the worker's environment", at)
	}
	return parsed, nil
}

// withoutUser cuts what may be a password out of something that looks like a URL.
func withoutUser(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}
