package registry

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/google"
)

// googleKeys finds credentials for Google's registries: application default
// credentials, which are a file, the identity of the machine or of the pod, and
// else those of gcloud.
type googleKeys struct {
	mu    sync.Mutex
	found authn.Authenticator // nil until some were found
}

func newGoogle() *googleKeys { return &googleKeys{} }

func isGoogle(host string) bool {
	return host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, ".pkg.dev")
}

func (g *googleKeys) find(ctx context.Context, h *host, _ string) (credentials, error) {
	if !isGoogle(h.name) {
		return credentials{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cloudTimeout, fmt.Errorf("no answer about Google's credentials within %s", cloudTimeout))
	defer cancel()
	answer := make(chan credentials, 1)
	go func() { answer <- g.authorize() }() // its library knows no deadline
	select {
	case held := <-answer:
		return held, nil
	case <-ctx.Done():
		return credentials{}, context.Cause(ctx)
	}
}

// authorize returns none where there are none: much of what is in Google's
// registries is public.
func (g *googleKeys) authorize() credentials {
	g.mu.Lock()
	defer g.mu.Unlock()
	background := context.Background() // what is found outlives the request
	if g.found == nil {
		found, err := google.NewEnvAuthenticator(background)
		if err != nil {
			found, err = google.NewGcloudAuthenticator(background)
		}
		if err != nil || found == authn.Anonymous {
			return credentials{}
		}
		g.found = found
	}
	granted, err := g.found.Authorization()
	if err != nil {
		g.found = nil
		return credentials{}
	}
	return credentials{username: granted.Username, password: granted.Password, source: source{kind: "key chain", name: "Google", lasts: true}}
}
