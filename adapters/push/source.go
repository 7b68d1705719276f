package push

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Source is a registry, or a part of one, that pushes.
type Source struct {
	// Name is the end of its path, /push/NAME.
	Name string `yaml:"name"`
	Kind Kind   `yaml:"kind"`
	// Secret names what proves that a request comes from it: env:NAME or
	// file:/path. Each line of it is accepted, so that one can be replaced
	// without a gap.
	Secret endpoint.SecretRef `yaml:"secret"`
	// Registry is the host in the references of its tags, where the bodies name
	// another one or none. It also limits the source to that host.
	Registry string `yaml:"registry"`

	// Audience and Email are what a token of Pub/Sub must contain; Issuer and Keys
	// are who signs it, Google by default.
	Audience string `yaml:"audience"`
	Email    string `yaml:"email"`
	Issuer   string `yaml:"issuer"`
	Keys     string `yaml:"keys"`
}

// maxSources bounds the file; a thousand sources are some hundred kilobytes.
const maxSources = 1 << 20

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)

// ReadSources reads a file of sources:
//
//	sources:
//	  - name: shop
//	    kind: distribution
//	    secret: env:PUSH_SHOP
//	    registry: registry.example.com
//
// An error is of kind errkind.Invalid and names the source and the remedy.
func ReadSources(path string) ([]Source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the push sources: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSources+1))
	if err != nil {
		return nil, fmt.Errorf("read the push sources: %w", err)
	}
	if len(content) > maxSources {
		return nil, fmt.Errorf("the push sources %s have more than %d bytes: %w", path, maxSources, errkind.Limit)
	}
	sources, err := parseSources(content)
	if err != nil {
		return nil, fmt.Errorf("push sources %s: %w", path, err)
	}
	return sources, nil
}

func parseSources(content []byte) ([]Source, error) {
	var document struct {
		Sources []Source `yaml:"sources"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	if len(document.Sources) == 0 {
		return nil, fmt.Errorf("the file lists no source; for an example, run: tagwatch push example KIND: %w", errkind.Invalid)
	}
	names := map[string]bool{}
	for i, source := range document.Sources {
		if err := source.validate(); err != nil {
			return nil, fmt.Errorf("source %d (%q): %w", i+1, source.Name, err)
		}
		if names[source.Name] {
			return nil, fmt.Errorf("source %d: there is another with the name %q: %w", i+1, source.Name, errkind.Invalid)
		}
		names[source.Name] = true
	}
	return document.Sources, nil
}

func (s Source) validate() error {
	of, found := s.Kind.trait()
	switch {
	case !namePattern.MatchString(s.Name):
		return errName
	case !found:
		return unknown(s.Kind)
	case !s.registryValid():
		return fmt.Errorf("registry %q is not a host with an optional port, as references have it: %w", s.Registry, errkind.Invalid)
	case !of.tokens && s.Audience+s.Email+s.Issuer+s.Keys != "":
		return fmt.Errorf("audience, email, issuer and keys are for kind %s: %w", PubSub, errkind.Invalid)
	case s.Secret == "" && !of.tokens:
		return fmt.Errorf("no secret; give one as env:NAME or file:/path: %w", errkind.Invalid)
	case s.Secret == "" && s.Audience == "":
		return fmt.Errorf("the sender cannot be verified; set audience and email, or a secret: %w", errkind.Invalid)
	case (s.Audience == "") != (s.Email == ""):
		return fmt.Errorf("audience and email must be set together: anyone can have Google sign a token for an audience: %w", errkind.Invalid)
	case s.Audience == "" && s.Issuer+s.Keys != "", (s.Issuer == "") != (s.Keys == ""):
		return fmt.Errorf("issuer and keys must be set together, and with audience and email: %w", errkind.Invalid)
	case s.Secret != "":
		return s.Secret.Validate()
	}
	return nil
}

func (s Source) registryValid() bool {
	if s.Registry == "" {
		return true
	}
	parsed, err := image.ParseRepository(s.Registry + "/x")
	return err == nil && parsed.Registry == s.Registry
}

var errName = fmt.Errorf("a name has up to 63 lower-case letters, digits, '.', '_' or '-': %w", errkind.Invalid)

func unknown(kind Kind) error {
	texts := make([]string, len(traits))
	for i, each := range traits {
		texts[i] = string(each.kind)
	}
	return fmt.Errorf("unknown kind %q: expected one of %s: %w", kind, strings.Join(texts, ", "), errkind.Invalid)
}
