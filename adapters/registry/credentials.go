package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// lookupTimeout bounds the search for credentials: helpers are programs, and
// clouds are far away.
const lookupTimeout = 30 * time.Second

// credentials are what authorizes Tagwatch at one registry; none in the zero
// value.
type credentials struct {
	username, password string
	identityToken      string // of docker login with a service that issues them
	registryToken      string
	source             source
}

// source is where credentials come from.
type source struct {
	kind  string // "file", "helper", "environment" or "key chain"; "" for none
	name  string // path, helper, variable, or cloud
	lasts bool   // asking it again costs
}

func (c credentials) none() bool {
	return c.username == "" && c.identityToken == "" && c.registryToken == ""
}

// secret is an Authorization header with what must not be shown.
func (c credentials) secret() string {
	if c.identityToken != "" {
		return "Bearer " + c.identityToken
	}
	return c.header()
}

// describe names the source and the user.
func (c credentials) describe() string {
	text := c.source.kind + " " + c.source.name
	if c.username != "" && c.username != identityUser {
		text += " (user " + c.username + ")"
	}
	return text
}

// finder is a source of credentials. It has none for hosts that are not its
// own, without asking anybody.
type finder interface {
	find(ctx context.Context, h *host, path string) (credentials, error)
}

// keychain asks its finders in turn. What is costly to find is kept for a
// while.
type keychain struct {
	finders []finder

	mu   sync.Mutex
	kept map[string]kept // by name of the host
}

type kept struct {
	credentials
	until time.Time
}

func newKeychain() *keychain {
	return &keychain{kept: map[string]kept{}, finders: []finder{dockerConfiguration{}, newGoogle(), newECR(), newACR()}}
}

// find returns the credentials for reading a repository. An error names the
// source that failed; its kind is errkind.Unavailable, since it is our side that
// fails, for all repositories of the host.
func (k *keychain) find(ctx context.Context, h *host, path string) (credentials, error) {
	k.mu.Lock()
	known, found := k.kept[h.name]
	k.mu.Unlock()
	if found && time.Now().Before(known.until) {
		return known.credentials, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookupTimeout, fmt.Errorf("no answer in %s", lookupTimeout))
	defer cancel()
	for _, finder := range k.finders {
		held, err := finder.find(ctx, h, path)
		if err != nil {
			return credentials{}, fmt.Errorf("credentials for %s: %w: %w", h.name, errkind.Unavailable, err)
		}
		if !held.none() {
			k.keep(h, held)
			return held, nil
		}
	}
	k.keep(h, credentials{})
	return credentials{}, nil
}

func (k *keychain) keep(h *host, held credentials) {
	k.mu.Lock()
	defer k.mu.Unlock()
	until := time.Time{}
	if held.source.lasts {
		until = time.Now().Add(credentialLifetime)
	}
	k.kept[h.name] = kept{held, until}
}

// recent are the credentials of the host that were found last.
func (k *keychain) recent(h *host) credentials {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[h.name].credentials
}

// forget has credentials looked for anew.
func (k *keychain) forget(h *host) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, h.name)
}
