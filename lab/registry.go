package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a container registry in memory, served over HTTP. It counts the
// requests it gets. Push and Delete use an entrance of their own: they are not
// counted, need no credentials, and work while the registry is paused or failing.
type Registry struct {
	*Server
	*Faults
	entrance *Server

	mu    sync.Mutex
	calls []Call
	user  string // basic authentication is required when set
	pass  string
	page  int // most tags in one answer, 0 for any number
	token *TokenService
	quota *quota
}

// NewRegistry starts an empty registry.
func NewRegistry() (*Registry, error) { return NewSecureRegistry(nil) }

// NewSecureRegistry is NewRegistry over TLS, unless config is nil.
func NewSecureRegistry(config *tls.Config) (*Registry, error) {
	store := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	entrance, err := Serve(store)
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	r := &Registry{Faults: &Faults{}, entrance: entrance}
	server, err := serveTLS(r.count(r.Wrap(r.authenticate(r.limit(r.pageTags(store))))), config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start registry: %w", err), entrance.Close())
	}
	r.Server = server
	return r, nil
}

// Close stops the registry and forgets its content.
func (r *Registry) Close() error {
	return errors.Join(r.Server.Close(), r.entrance.Close())
}

// RequireBasicAuth asks every later request for these credentials. An empty user
// opens the registry again.
func (r *Registry) RequireBasicAuth(user, pass string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user, r.pass = user, pass
}

// Reference is the full name of a repository and tag (or "repository@digest") of
// this registry.
func (r *Registry) Reference(repositoryAndTag string) string {
	return r.Host() + "/" + repositoryAndTag
}

// Push stores an image (v1.Image) or an index (v1.ImageIndex) with all it refers
// to under "repository:tag" or "repository@digest" and returns its digest.
func (r *Registry) Push(repositoryAndTag string, what remote.Taggable) (v1.Hash, error) {
	ref, err := r.entranceReference(repositoryAndTag)
	if err != nil {
		return v1.Hash{}, err
	}
	switch what := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, what)
	case v1.Image:
		err = remote.Write(ref, what)
	default:
		return v1.Hash{}, fmt.Errorf("push %s: want a v1.Image or v1.ImageIndex, got %T", repositoryAndTag, what)
	}
	if err != nil {
		return v1.Hash{}, fmt.Errorf("push %s: %w", repositoryAndTag, err)
	}
	return digestOf(what)
}

// Tag lets a further "repository:tag" name what "repository:tag" or
// "repository@digest" names in the same repository.
func (r *Registry) Tag(existing, tag string) error {
	from, err := r.entranceReference(existing)
	if err != nil {
		return err
	}
	found, err := remote.Get(from)
	if err != nil {
		return fmt.Errorf("tag %s: %w", existing, err)
	}
	if err := remote.Tag(from.Context().Tag(tag), found); err != nil {
		return fmt.Errorf("tag %s as %s: %w", existing, tag, err)
	}
	return nil
}

// Delete removes a tag, or a manifest when named by digest. A manifest stays
// reachable by its digest after its tag is deleted.
func (r *Registry) Delete(ctx context.Context, repositoryAndTag string) error {
	ref, err := r.entranceReference(repositoryAndTag)
	if err != nil {
		return err
	}
	if err := remote.Delete(ref, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("delete %s: %w", repositoryAndTag, err)
	}
	return nil
}

func (r *Registry) entranceReference(repositoryAndTag string) (name.Reference, error) {
	ref, err := name.ParseReference(r.entrance.Host() + "/" + repositoryAndTag)
	if err != nil {
		return nil, fmt.Errorf("name %q: %w", repositoryAndTag, err)
	}
	return ref, nil
}

// RequireTokens asks every later request for a token of this service; nil opens
// the registry again.
func (r *Registry) RequireTokens(service *TokenService) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token = service
}

func (r *Registry) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if challenge := r.challenge(req); challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// challenge is what a request lacks, "" for nothing.
func (r *Registry) challenge(req *http.Request) string {
	r.mu.Lock()
	tokens := r.token
	r.mu.Unlock()
	if tokens != nil {
		token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
		if tokens.Verify(token, parseCall(req.Method, req.URL.Path).Repository) != nil {
			return fmt.Sprintf("Bearer realm=%q,service=%q", tokens.Realm(), tokenAbout)
		}
		return ""
	}
	if user, pass, _ := req.BasicAuth(); !r.admits(user, pass) {
		return `Basic realm="lab"`
	}
	return ""
}

func (r *Registry) admits(user, pass string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user == "" || (user == r.user && pass == r.pass)
}

func digestOf(what remote.Taggable) (v1.Hash, error) {
	raw, err := what.RawManifest()
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read manifest: %w", err)
	}
	return hashOf(raw)
}
