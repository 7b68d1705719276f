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
