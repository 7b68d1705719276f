package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/registry/conf"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// setup is what the options and the files that they name say at one time, and
// the sessions with registries that follow from it. It is replaced as a whole.
type setup struct {
	client *Registry
	file   *conf.File
	files  *files
	marks  map[string]mark // of the hosts that the registries file names

	mu     sync.Mutex
	hosts  map[string]*host // that requests went to, by name
	onward map[ledKey]*host // that others lead to
}

// newSetup reads the registries file and all that it names: what is set up
// wrongly is notified at once, whether it is asked for or not.
func newSetup(client *Registry) (*setup, error) {
	s := &setup{client: client, files: newFiles(), marks: map[string]mark{}, hosts: map[string]*host{}, onward: map[ledKey]*host{}}
	var err error
	if s.file, err = conf.Read(client.options.File, s.files.read); err != nil {
		return nil, err
	}
	if client.options.CAFile != "" {
		if _, err := s.authorities(client.options.CAFile); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.file.Hosts)) {
		settings, err := s.settingsOf(name)
		if err != nil {
			return nil, err
		}
		s.marks[name] = settings.mark
	}
	return s, nil
}

// host returns the one session with a registry.
func (s *setup) host(named string) (*host, error) {
	named = strings.ToLower(named)
	if image.CanonicalRegistry(named) == image.DefaultRegistry {
		named = image.DefaultRegistry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, found := s.hosts[named]; found {
		return known, nil
	}
	settings, err := s.settingsOf(named)
	if err != nil {
		return nil, err
	}
	fresh, err := newHost(s.client, named, settings)
	if err == nil {
		s.hosts[named] = fresh
	}
	return fresh, err
}

// sessions are those so far.
func (s *setup) sessions() map[string]*host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.hosts)
}

// session is that with a host, nil before the first request.
func (s *setup) session(at string) *host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[at]
}

// entry is what the registries file says of a name, or what it would say by
// saying nothing.
func (s *setup) entry(named string) *conf.Registry {
	if found := s.file.Find(named); found != nil {
		return found
	}
	return &conf.Registry{Prefix: named, Location: named}
}

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
func (s *setup) places(repository image.Repository, byDigest bool) ([]place, error) {
	named := whole(repository)
	entry := s.entry(named)
	if entry.Blocked {
		return nil, fmt.Errorf("%s is blocked by %s of %s: %w", repository, entry.Section, s.file.Path, errkind.Invalid)
	}
	var places []place
	for _, mirror := range entry.Mirrors {
		if !answers(mirror.Pull, byDigest) {
			continue
		}
		if at, err := s.place(entry.Rewrite(named, mirror.Location), true); err == nil {
			places = append(places, at) // one that is set up wrongly is passed over, as one that is down; registry check tells
		}
	}
	at, err := s.place(entry.Rewrite(named, entry.Location), false)
	return append(places, at), err
}

// whole is the name of a repository as its registry knows it, whichever of its
// own names the registry goes by.
func whole(repository image.Repository) string {
	if canonical := repository.Canonical(); canonical.Registry == image.DefaultRegistry {
		return canonical.String()
	}
	return repository.String()
}

func answers(pull string, byDigest bool) bool {
	if byDigest {
		return pull != conf.PullTags
	}
	return pull == conf.PullTags || pull == conf.PullAll
}

func (s *setup) place(name string, mirror bool) (place, error) {
	named, path, _ := strings.Cut(name, "/")
	h, err := s.host(named)
	return place{host: h, path: path, mirror: mirror}, err
}
