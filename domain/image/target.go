package image

import "strings"

// Target is what one watcher follows: a reference, on one platform. It is
// comparable and travels as reference[@platform].
type Target struct {
	Reference Reference
	Platform  Platform
}

// ParseTarget reads reference[@platform].
func ParseTarget(text string) (Target, error) {
	reference, platform, _ := strings.Cut(text, "@")
	if strings.HasPrefix(platform, "sha256:") {
		reference, platform = text, ""
	}
	parsed, err := ParseReference(reference)
	if err != nil {
		return Target{}, err
	}
	selected, err := ParsePlatform(platform)
	return Target{Reference: parsed, Platform: selected}, err
}

// String is reference[@platform].
func (t Target) String() string {
	if t.Platform == (Platform{}) {
		return t.Reference.String()
	}
	return t.Reference.String() + "@" + t.Platform.String()
}

// MarshalText implements encoding.TextMarshaler.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Target) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTarget(string(text))
	return err
}
