package image

import (
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Target is what one watcher follows: a reference, on one platform. It is
// comparable and travels as reference[@platform].
type Target struct {
	Reference Reference
	Platform  Platform
}

// ParseTarget reads reference[@platform].
func ParseTarget(text string) (Target, error) {
	reference, platform, found := strings.Cut(text, "@")
	if strings.Contains(platform, ":") { // which no platform does
		var digest string
		digest, platform, found = strings.Cut(platform, "@")
		reference += "@" + digest
	}
	if found && platform == "" {
		return Target{}, fmt.Errorf("target %q names no platform after '@'; give one, as in %slinux/arm64, or drop the '@': %w", text, text, errkind.Invalid)
	}
	parsed, err := ParseReference(reference)
	if err != nil {
		return Target{}, err
	}
	selected, err := ParsePlatform(platform)
	if err != nil {
		return Target{}, err
	}
	return Target{Reference: parsed, Platform: selected}, nil
}

// ParsePinned is ParseTarget for what people write. With a tag and a digest it is
// the tag that moves and is watched; the digest is what it was to point to.
func ParsePinned(text string) (target Target, pin Digest, err error) {
	name, rest, _ := strings.Cut(text, "@")
	digest, platform, found := strings.Cut(rest, "@")
	if !hasTag(name) || !strings.Contains(digest, ":") {
		target, err = ParseTarget(text)
		return target, "", err
	}
	if pin, err = ParseDigest(digest); err != nil {
		return Target{}, "", err
	}
	if found {
		name += "@" + platform
	}
	if target, err = ParseTarget(name); err != nil {
		return Target{}, "", err
	}
	return target, pin, nil
}

// Names are all that the target may be written as, with the canonical one first.
func (t Target) Names() []Target {
	references := t.Reference.Names()
	names := make([]Target, len(references))
	for i, reference := range references {
		names[i] = Target{reference, t.Platform}
	}
	return names
}

// String is reference[@platform].
func (t Target) String() string {
	if t.Platform == (Platform{}) {
		return t.Reference.String()
	}
	return t.Reference.String() + "@" + t.Platform.String()
}

// Pinned is the target with what it is to point to, as ParsePinned reads it.
func (t Target) Pinned(pin Digest) string {
	if pin == "" {
		return t.String()
	}
	text := t.Reference.String() + "@" + string(pin)
	if t.Platform != (Platform{}) {
		text += "@" + t.Platform.String()
	}
	return text
}

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (t Target) MarshalText() ([]byte, error) { return marshal(t) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Target) UnmarshalText(text []byte) error { return unmarshal(t, text, ParseTarget) }
