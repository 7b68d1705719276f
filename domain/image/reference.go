// Package image holds the names of images: references, repositories, digests
// and platforms, parsed once and passed on as values.
//
// A reference is written registry/repository:tag, or registry/repository@digest.
// A missing registry is docker.io and a missing tag is latest; library/ is neither
// added nor removed, so that mappings of policy bundles match the reference as it
// was subscribed. Hosts are written in lower case.
package image

import (
	"cmp"
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

// Reference is a tag of a repository, or what a digest names in it. It is
// comparable and travels as its text.
type Reference struct {
	Repository
	Tag    string // empty for a digest
	Digest Digest // of a manifest or an index; empty for a tag
}

// ParseReference reads [registry/]repository[:tag] and [registry/]repository@digest.
// One with a tag and a digest is refused: it names two things, see ParsePinned.
func ParseReference(text string) (Reference, error) {
	if name, digest, found := strings.Cut(text, "@"); found {
		return parseDigestReference(name, digest)
	}
	if strings.HasSuffix(text, ":") {
		return Reference{}, fmt.Errorf("reference %q has an empty tag; expected one such as docker.io/library/nginx:1.27: %w", text, errkind.Invalid)
	}
	name, tag := text, "latest"
	if hasTag(text) {
		i := strings.LastIndex(text, ":")
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

func parseDigestReference(name, text string) (Reference, error) {
	digest, err := ParseDigest(text)
	if err != nil {
		return Reference{}, err
	}
	if hasTag(name) {
		return Reference{}, fmt.Errorf("%q with a digest: give either the tag or the digest: %w", name, errkind.Invalid)
	}
	repository, err := ParseRepository(name)
	if err != nil {
		return Reference{}, err
	}
	return Reference{Repository: repository, Digest: digest}, nil
}

func hasTag(name string) bool { return strings.LastIndex(name, ":") > strings.LastIndex(name, "/") }

// ParseRepository reads [registry/]repository.
func ParseRepository(text string) (Repository, error) {
	if scheme, rest, found := strings.Cut(text, "://"); found {
		return Repository{}, fmt.Errorf("%q is an address; leave %s:// out, as in %s: %w", text, scheme, rest, errkind.Invalid)
	}
	repository := Repository{Registry: DefaultRegistry, Path: text}
	if host, path, found := strings.Cut(text, "/"); found && isRegistry(host) {
		repository = Repository{Registry: strings.ToLower(host), Path: path}
	}
	if !registryPattern.MatchString(repository.Registry) {
		return Repository{}, fmt.Errorf("registry %q of %q is not a host name with an optional port: %w", repository.Registry, text, errkind.Invalid)
	}
	if name, _, _ := strings.Cut(text, "@"); name != text || hasTag(name) {
		if hasTag(name) {
			name = name[:strings.LastIndex(name, ":")]
		}
		return Repository{}, fmt.Errorf("%q names an image, not a repository; leave out its tag and digest, as in %s: %w", text, name, errkind.Invalid)
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

// Names are all that the repository may be written as, with the canonical one
// first.
func (r Repository) Names() (names []Repository) {
	canonical := r.Canonical()
	hosts, paths := []string{canonical.Registry}, []string{canonical.Path}
	if canonical.Registry == DefaultRegistry {
		hosts = append(hosts, hubAliases...)
		if short, found := strings.CutPrefix(canonical.Path, "library/"); found && !strings.Contains(short, "/") {
			paths = append(paths, short)
		}
	}
	for _, host := range hosts {
		for _, path := range paths {
			names = append(names, Repository{host, path})
			if !strings.Contains(strings.TrimPrefix(host, "["), ":") {
				names = append(names, Repository{host + ":443", path})
			}
		}
	}
	return names
}

// Names are all that the reference may be written as, with the canonical one first.
func (r Reference) Names() []Reference {
	repositories := r.Repository.Names()
	names := make([]Reference, len(repositories))
	for i, repository := range repositories {
		names[i] = r
		names[i].Repository = repository
	}
	return names
}

// CanonicalRegistry is the canonical name of a registry with several.
func CanonicalRegistry(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	if slices.Contains(hubAliases, host) {
		return DefaultRegistry
	}
	return host
}

// Reference is what a tag or a digest names in the repository.
func (r Repository) Reference(identifier string) Reference {
	if digest, err := ParseDigest(identifier); err == nil {
		return Reference{Repository: r, Digest: digest}
	}
	return Reference{Repository: r, Tag: identifier}
}

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (r Repository) MarshalText() ([]byte, error) { return marshal(r) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Repository) UnmarshalText(text []byte) error { return unmarshal(r, text, ParseRepository) }

// Identifier is the tag or the digest.
func (r Reference) Identifier() string { return cmp.Or(r.Tag, string(r.Digest)) }

// String is registry/path:tag or registry/path@digest.
func (r Reference) String() string {
	if r.Digest != "" {
		return r.Repository.String() + "@" + string(r.Digest)
	}
	return r.Repository.String() + ":" + r.Tag
}

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (r Reference) MarshalText() ([]byte, error) { return marshal(r) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Reference) UnmarshalText(text []byte) error { return unmarshal(r, text, ParseReference) }
