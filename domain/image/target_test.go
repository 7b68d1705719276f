package image_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	app := image.Repository{Registry: "ghcr.io", Path: "team/app"}.Reference("1")
	tests := []struct {
		name, text string
		platform   image.Platform
		canonical  string
	}{
		{"tag alone", "ghcr.io/team/app:1", image.Platform{}, "ghcr.io/team/app:1"},
		{"platform", "ghcr.io/team/app:1@linux/arm64", image.Platform{OS: "linux", Architecture: "arm64"}, "ghcr.io/team/app:1@linux/arm64"},
		{"platform with a variant", "ghcr.io/team/app:1@linux/arm/v7", image.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, "ghcr.io/team/app:1@linux/arm/v7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := image.ParseTarget(test.text)
			if want := (image.Target{Reference: app, Platform: test.platform}); err != nil || got != want {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
			if got.String() != test.canonical {
				t.Errorf("text %q, want %q", got, test.canonical)
			}
		})
	}
}

func TestParsePinned(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct{ text, target, pin string }{
		{"nginx:1", "docker.io/nginx:1", ""},
		{"nginx@" + digest, "docker.io/nginx@" + digest, ""},
		{"nginx@" + digest + "@linux/arm64", "docker.io/nginx@" + digest + "@linux/arm64", ""},
		{"nginx:1@" + digest, "docker.io/nginx:1", digest},
		{"registry:5000/a:1@" + digest + "@linux/arm64", "registry:5000/a:1@linux/arm64", digest},
		{"registry:5000/a@" + digest, "registry:5000/a@" + digest, ""},
		{"nginx:1@linux/arm64", "docker.io/nginx:1@linux/arm64", ""},
	} {
		got, pin, err := image.ParsePinned(test.text)
		if err != nil || got.String() != test.target || string(pin) != test.pin {
			t.Errorf("%s: %s, pin %q, %v; want %s, pin %q", test.text, got, pin, err, test.target, test.pin)
		}
		if again, err := image.ParseTarget(got.String()); err != nil || again != got {
			t.Errorf("%s is read again as %s, %v", got, again, err)
		}
	}
	for _, text := range []string{"nginx:1@sha256:a", "nginx:1@" + digest + "@", "nginx:1@" + digest + "@linux", "nginx:@" + digest, "nginx:1@" + digest + "@" + digest} {
		if got, pin, err := image.ParsePinned(text); !errors.Is(err, errkind.Invalid) || got != (image.Target{}) || pin != "" {
			t.Errorf("%s: %s, pin %q, %v", text, got, pin, err)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, says string }{
		{"tag and digest", "nginx:1@sha256:" + strings.Repeat("a", 64), "either the tag or the digest"},
		{"no platform after the digest", "nginx@sha256:" + strings.Repeat("a", 64) + "@", "names no platform"},
		{"two digests", "nginx@sha256:" + strings.Repeat("a", 64) + "@sha256:" + strings.Repeat("a", 64), "os/architecture"},
		{"no platform after the sign", "nginx:1@", "names no platform"},
		{"one part", "nginx@linux", "os/architecture"},
		{"four parts", "nginx@linux/arm/v7/x", "os/architecture"},
		{"empty part", "nginx@linux//v7", "os/architecture"},
		{"two platforms", "nginx@linux/amd64@linux/arm64", "os/architecture"},
		{"upper case", "nginx@Linux/amd64", "os/architecture"},
		{"no reference", "@linux/amd64", "repository"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := image.ParseTarget(test.text)
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want a refusal that says %q", err, test.says)
			}
			if got != (image.Target{}) {
				t.Errorf("a refused text gives %v", got)
			}
		})
	}
}

func TestPlatformOrDefault(t *testing.T) {
	t.Parallel()
	arm := image.Platform{OS: "linux", Architecture: "arm64"}
	if got := (image.Platform{}).OrDefault(); got != image.DefaultPlatform {
		t.Errorf("default %v", got)
	}
	if got := arm.OrDefault(); got != arm {
		t.Errorf("%v becomes %v", arm, got)
	}
}

// names is everything that travels as text, as value and as key.
type names struct {
	Repository image.Repository
	Reference  image.Reference
	Target     image.Target
	Platform   image.Platform
	Keys       map[image.Target]int
}

func TestTravelsAsText(t *testing.T) {
	t.Parallel()
	app := image.Repository{Registry: "registry:5000", Path: "team/app"}
	target := image.Target{Reference: app.Reference("1"), Platform: image.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}}
	tests := []struct {
		name string
		want names
		text string
	}{
		{"all named", names{app, app.Reference("1"), target, target.Platform, map[image.Target]int{target: 1}},
			`{"Repository":"registry:5000/team/app","Reference":"registry:5000/team/app:1","Target":"registry:5000/team/app:1@linux/arm/v7","Platform":"linux/arm/v7","Keys":{"registry:5000/team/app:1@linux/arm/v7":1}}`},
		{"nothing named", names{}, `{"Repository":"","Reference":"","Target":"","Platform":"","Keys":null}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(test.want)
			if err != nil || string(text) != test.text {
				t.Fatalf("%s, %v; want %s", text, err, test.text)
			}
			var got names
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("arrived (-want +got)\n%s", diff)
			}
		})
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"Repository":"A"}`, `{"Reference":"a@b"}`, `{"Target":"a@b"}`, `{"Platform":"linux"}`} {
		var got names
		if err := json.Unmarshal([]byte(text), &got); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Whatever is accepted has one canonical text, which is read back as the same.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"nginx", "ghcr.io/team/app:1@linux/arm/v7", "localhost/a", "[::1]:5000/a:b", "docker.io/foo.bar/baz", "a@", "A:1", "a@sha256:" + strings.Repeat("a", 64) + "@linux/arm64", "r:5/a_b__c--d:_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := image.ParseTarget(text)
		if err != nil {
			if !errors.Is(err, errkind.Invalid) || target != (image.Target{}) {
				t.Fatalf("%q: %v, %v", text, target, err)
			}
			return
		}
		canonical := target.String()
		again, err := image.ParseTarget(canonical)
		if err != nil || again != target || again.String() != canonical {
			t.Fatalf("%q: %q is read as %v, %v", text, canonical, again, err)
		}
		if strings.ContainsAny(canonical, " \t\r\n\x00\\%?#") || strings.Contains(canonical, "..") && strings.Contains(canonical, "/../") {
			t.Fatalf("%q: %q is no name for a URL", text, canonical)
		}
	})
}
