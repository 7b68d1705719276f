package image

import (
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// DefaultPlatform is the one taken from an index when a target names none.
var DefaultPlatform = Platform{OS: "linux", Architecture: "amd64"}

// Platform selects one image of an index. The zero value stands for
// DefaultPlatform. It travels as os/architecture[/variant].
type Platform struct {
	OS           string
	Architecture string
	Variant      string
}

// ParsePlatform reads os/architecture[/variant]; "" is the zero Platform.
func ParsePlatform(text string) (Platform, error) {
	if text == "" {
		return Platform{}, nil
	}
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if !repositoryPattern.MatchString(part) {
			parts = nil
		}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return Platform{}, fmt.Errorf("platform %q is not os/architecture[/variant], as in linux/arm64: %w", text, errkind.Invalid)
	}
	platform := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		platform.Variant = parts[2]
	}
	return platform, nil
}

// OrDefault is the platform, or DefaultPlatform for the zero value.
func (p Platform) OrDefault() Platform {
	if p == (Platform{}) {
		return DefaultPlatform
	}
	return p
}

// String is os/architecture[/variant], or "" for the zero value.
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}

// MarshalText implements encoding.TextMarshaler; the zero value is empty.
func (p Platform) MarshalText() ([]byte, error) { return marshal(p) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Platform) UnmarshalText(text []byte) error { return unmarshal(p, text, ParsePlatform) }
