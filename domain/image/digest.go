package image

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Digest names a manifest, an index or a config by its content: sha256:<hex>.
// Empty means unknown.
type Digest string

// ParseDigest accepts the one algorithm that registries use, SHA-256.
func ParseDigest(text string) (Digest, error) {
	if !digestPattern.MatchString(text) {
		return "", fmt.Errorf("digest %q is not sha256: and 64 hexadecimal digits: %w", text, errkind.Invalid)
	}
	return Digest(text), nil
}

// Hex is the digest without its algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), "sha256:") }

// Short is enough of the digest for a person: 12 hexadecimal digits.
func (d Digest) Short() string { return d.Hex()[:min(12, len(d.Hex()))] }

// Resolved is what a reference points to at one time.
type Resolved struct {
	// Manifest is the digest of the platform's manifest: the identity of the
	// image that is analyzed.
	Manifest Digest `json:"manifest"`
	// Index is the digest of the index the manifest was taken from; empty when
	// the tag points to a manifest directly.
	Index Digest `json:"index,omitempty"`
}

// LeftPin reports whether the tag has left a pin, the digest of an image or of an index.
// Without a pin, or before the tag is resolved, it has not.
func (r Resolved) LeftPin(pin Digest) bool {
	return pin != "" && r.Manifest != "" && pin != r.Manifest && pin != r.Index
}

// Top is the digest a HEAD request on the tag answers with.
func (r Resolved) Top() Digest {
	if r.Index != "" {
		return r.Index
	}
	return r.Manifest
}
