// Package conf reads what people have set for registries: a registries file in
// the form of containers-registries.conf(5), version 2, and directories of
// certificates in the form of containers-certs.d(5), which Docker's are too.
//
// What concerns Tagwatch alone stands in the table [tagwatch] of the registries
// file, which other readers of the form pass over. No secret belongs into it:
// credentials come from Docker's configuration and its helpers.
package conf

import (
	"net/url"
	"strings"
)

// The values of pull-from-mirror. A mirror without one has PullDefault.
const (
	PullDefault = ""
	PullAll     = "all"
	PullDigests = "digest-only"
	PullTags    = "tag-only"
)

// File is what a registries file says. The zero value says nothing.
type File struct {
	Path       string
	Registries []Registry
	Hosts      map[string]Host // by host or host:port
	// Ignored are the keys that other readers obey and Tagwatch does not.
	Ignored []string
}

// Registry is one [[registry]]: names that begin with the prefix are found at
// the location and, before it, at the mirrors.
type Registry struct {
	Prefix   string // host[:port][/path], or *.domain
	Location string // host[:port][/path]; "" below *.domain is the name itself
	Insecure bool
	Blocked  bool
	Mirrors  []Mirror
	Section  string // for people, as registry[0]
}

// Mirror is one [[registry.mirror]].
type Mirror struct {
	Location string
	Insecure bool
	Pull     string
}

// Host is one [tagwatch.host."name"]: how to connect to a host, whatever leads to
// it. Zero values leave the default.
type Host struct {
	RequestsPerSecond float64
	Concurrency       int
	// Proxy is asked instead of the host; its Host is empty for none at all, and
	// nil leaves the choice to the environment.
	Proxy             *url.URL
	CAFile            string // PEM
	ClientCertificate string // PEM, with ClientKey
	ClientKey         string
}

// Find returns the registry with the longest prefix of a name
// (host[:port]/path), nil without any.
func (f *File) Find(name string) *Registry {
	var best *Registry
	length := -1
	for i := range f.Registries {
		if n := f.Registries[i].match(name); n > length {
			best, length = &f.Registries[i], n
		}
	}
	return best
}

// match is how much of a name the prefix covers; negative if it does not.
func (r *Registry) match(name string) int {
	if domain, wild := strings.CutPrefix(r.Prefix, "*"); wild {
		host, _, _ := strings.Cut(name, "/")
		hostname, _, _ := strings.Cut(host, ":")
		if strings.HasSuffix(strings.ToLower(hostname), strings.ToLower(domain)) {
			return len(domain) - 1 // what names the domain itself is closer
		}
		return -1
	}
	if len(name) < len(r.Prefix) || !strings.EqualFold(name[:len(r.Prefix)], r.Prefix) {
		return -1
	}
	if rest := name[len(r.Prefix):]; rest != "" && rest[0] != '/' {
		return -1
	}
	return len(r.Prefix)
}

// Rewrite is the name as it is called at a location: the location takes the
// prefix's place.
func (r *Registry) Rewrite(name, location string) string {
	if location == "" || strings.HasPrefix(r.Prefix, "*") {
		if location == "" {
			return name
		}
		_, path, _ := strings.Cut(name, "/")
		return location + "/" + path
	}
	return location + name[len(r.Prefix):]
}

// Insecure reports whether any part of the file lets a host be spoken to without
// a verified certificate.
func (f *File) Insecure(host string) bool {
	for _, r := range f.Registries {
		if r.Insecure && (hostOf(r.Location) == host || r.Location == "" && r.match(host) >= 0) {
			return true
		}
		for _, m := range r.Mirrors {
			if m.Insecure && hostOf(m.Location) == host {
				return true
			}
		}
	}
	return false
}

func hostOf(location string) string {
	host, _, _ := strings.Cut(location, "/")
	return strings.ToLower(host)
}
