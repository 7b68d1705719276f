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
	if strings.HasPrefix(platform, "sha256:") {
		reference, platform = text, ""
	} else if found && platform == "" {
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

// String is reference[@platform].
func (t Target) String() string {
	if t.Platform == (Platform{}) {
		return t.Reference.String()
	}
	return t.Reference.String() + "@" + t.Platform.String()
}

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (t Target) MarshalText() ([]byte, error) { return marshal(t) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Target) UnmarshalText(text []byte) error { return unmarshal(t, text, ParseTarget) }
