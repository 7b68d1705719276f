// Package image holds the names of images: references, repositories, digests
// and platforms, parsed once and passed on as values.
//
// A reference is written registry/repository:tag. A missing registry is
// docker.io and a missing tag is latest; library/ is neither added nor removed,
// so that mappings of policy bundles match the reference as it was subscribed.
package image

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// DefaultRegistry is the registry of a reference that names none.
const DefaultRegistry = "docker.io"

// hubAliases are further host names of the default registry.
var hubAliases = []string{"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

// Grammar of the OCI distribution specification, section "Pulling manifests".
var (
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	registryPattern   = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
)

// Repository is a registry's host (with port) and a path at it. It is
// comparable and travels as its text.
type Repository struct {
	Registry string
	Path     string
}

// Reference is a tag of a repository. It is comparable and travels as its text.
type Reference struct {
	Repository
	Tag string
}

// ParseReference reads [registry/]repository[:tag]. A reference by digest is
// refused: a digest never moves, so there is nothing to watch.
func ParseReference(text string) (Reference, error) {
	if strings.Contains(text, "@") {
		return Reference{}, fmt.Errorf("reference %q names a digest, which never changes; give a tag, as in docker.io/library/nginx:1.27: %w", text, errkind.Invalid)
	}
	if strings.HasSuffix(text, ":") {
		return Reference{}, fmt.Errorf("reference %q has an empty tag; expected one such as docker.io/library/nginx:1.27: %w", text, errkind.Invalid)
	}
	name, tag := text, "latest"
	if i := strings.LastIndex(text, ":"); i > strings.LastIndex(text, "/") {
		name, tag = text[:i], text[i+1:]
	}
	repository, err := ParseRepository(name)
	if err != nil {
		return Reference{}, err
	}
	if !ValidTag(tag) {
		return Reference{}, fmt.Errorf("tag %q of reference %q: up to 128 letters, digits, '_', '.' or '-' are allowed: %w", tag, text, errkind.Invalid)
	}
	return Reference{Repository: repository, Tag: tag}, nil
}

// ParseRepository reads [registry/]repository.
func ParseRepository(text string) (Repository, error) {
	if scheme, rest, found := strings.Cut(text, "://"); found {
		return Repository{}, fmt.Errorf("%q is an address; leave %s:// out, as in %s: %w", text, scheme, rest, errkind.Invalid)
	}
	repository := Repository{Registry: DefaultRegistry, Path: text}
	if host, path, found := strings.Cut(text, "/"); found && isRegistry(host) {
		repository = Repository{Registry: host, Path: path}
	}
	if !registryPattern.MatchString(repository.Registry) {
		return Repository{}, fmt.Errorf("registry %q of %q is not a host name with an optional port: %w", repository.Registry, text, errkind.Invalid)
	}
	if len(repository.Path) > 255 || !repositoryPattern.MatchString(repository.Path) {
		return Repository{}, fmt.Errorf("invalid repository %q in %q: use lower-case letters, digits, '.', '_', '-' and '/', as in docker.io/library/nginx: %w", repository.Path, text, errkind.Invalid)
	}
	return repository, nil
}

// ValidTag reports whether a text can be the tag of a reference.
func ValidTag(text string) bool { return tagPattern.MatchString(text) }

// isRegistry follows the rule of Docker: a first component with a dot or a
// port, or one of the well-known names, is a host.
func isRegistry(component string) bool {
	switch component {
	case DefaultRegistry, "localhost", "localhost.localdomain", "localbuild":
		return true
	}
	return strings.ContainsAny(component, ".:")
}

// String is the canonical text: registry/path.
func (r Repository) String() string { return r.Registry + "/" + r.Path }

// Canonical is the repository under the one name that all its spellings share:
// host names are case-insensitive, 443 is the port that goes without saying, and
// Docker Hub has several hosts and keeps the official images under library/.
func (r Repository) Canonical() Repository {
	r.Registry = CanonicalRegistry(r.Registry)
	if r.Registry == DefaultRegistry && !strings.Contains(r.Path, "/") {
		r.Path = "library/" + r.Path
	}
	return r
}

// CanonicalRegistry is the one name of a registry that has several.
func CanonicalRegistry(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	if slices.Contains(hubAliases, host) {
		return DefaultRegistry
	}
	return host
}

// Reference is the tag of that name in the repository.
func (r Repository) Reference(tag string) Reference { return Reference{Repository: r, Tag: tag} }

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (r Repository) MarshalText() ([]byte, error) { return marshal(r) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Repository) UnmarshalText(text []byte) error { return unmarshal(r, text, ParseRepository) }

// String is the canonical text: registry/path:tag.
func (r Reference) String() string { return r.Repository.String() + ":" + r.Tag }

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (r Reference) MarshalText() ([]byte, error) { return marshal(r) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Reference) UnmarshalText(text []byte) error { return unmarshal(r, text, ParseReference) }
