package image_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	version := func(pre, suffix string, numbers ...uint64) *image.Version {
		v := &image.Version{Pre: pre, Suffix: suffix}
		copy(v.Numbers[:], numbers)
		return v
	}
	tests := []struct {
		name, tag string
		want      *image.Version // nil for none
	}{
		{"semantic", "1.27.3", version("", "", 1, 27, 3)},
		{"with a v", "v1.27.3", version("", "", 1, 27, 3)},
		{"two numbers", "1.27", version("", "", 1, 27)},
		{"one number", "7", version("", "", 7)},
		{"four numbers", "4.2.0.1", version("", "", 4, 2, 0, 1)},
		{"five numbers", "5.4.0.0.123", version("", "", 5, 4, 0, 0, 123)},
		{"five numbers and a suffix", "v19.3.0.0.0-slim", version("", "slim", 19, 3)},
		{"prerelease of six numbers", "1.2.3.4.5.6-rc1", version("rc.1", "", 1, 2, 3, 4, 5, 6)},
		{"nine numbers", "1.2.3.4.5.6.7.8.9", nil},
		{"suffix", "1.27-alpine", version("", "alpine", 1, 27)},
		{"suffix with a version", "1.27.3-alpine3.20-slim", version("", "alpine3.20-slim", 1, 27, 3)},
		{"suffix after an underscore", "9.0_jammy", version("", "jammy", 9)},
		{"packager's suffix", "1.27.3-debian-12-r10", version("", "debian-12-r10", 1, 27, 3)},
		{"number as suffix", "2.4.1-3", version("", "3", 2, 4, 1)},
		{"letter", "1.0.2k", version("", "k", 1, 0, 2)},
		{"placeholder", "1.x", version("", "x", 1)},
		{"prerelease", "1.28.0-rc1", version("rc.1", "", 1, 28)},
		{"prerelease with a dot", "1.28.0-rc.1", version("rc.1", "", 1, 28)},
		{"prerelease in capitals", "5.0.0.Beta2", version("beta.2", "", 5)},
		{"prerelease without a number", "2.0-alpha", version("alpha", "", 2)},
		{"prerelease of Python", "3.13.0b2-slim", version("b.2", "slim", 3, 13)},
		{"prerelease of several numbers", "8.0.0-preview.1.23110.8-jammy", version("preview.1.23110.8", "jammy", 8)},
		{"alpine is no alpha", "3.13-alpine", version("", "alpine", 3, 13)},
		{"beta is one, betamax is not", "3.13-betamax", version("", "betamax", 3, 13)},
		{"calendar, year and month", "22.04", version("", "", 22, 4)},
		{"calendar, not padded", "2024.10.3", version("", "", 2024, 10, 3)},
		{"calendar, dashes", "2024-10-03", version("", "", 2024, 10, 3)},
		{"calendar, dashes and suffix", "2024-10-03-slim", version("", "slim", 2024, 10, 3)},
		{"calendar, one number", "20241003", version("", "", 20241003)},
		{"a word", "latest", nil},
		{"a name", "bookworm-20241003", nil},
		{"a commit", "7f3a9c2", nil},
		{"a commit like a prerelease", "7b2", nil},
		{"too long a number", "1234567890123456789", nil},
		{"too long a second number", "1.1234567890123456789", nil},
		{"nothing", "", nil},
		{"only the v", "v", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, found := image.ParseVersion(test.tag)
			if found != (test.want != nil) {
				t.Fatalf("found %v: %+v", found, got)
			}
			if found {
				if diff := cmp.Diff(*test.want, got); diff != "" {
					t.Errorf("%s (-want +got)\n%s", test.tag, diff)
				}
			}
		})
	}
}

func TestVersionCompare(t *testing.T) {
	t.Parallel()
	// From old to new.
	ordered := []string{"0.9", "1.9.0", "1.10.0-alpha", "1.10.0-alpha.2", "1.10.0-alpha.10", "1.10.0-beta.1", "1.10.0-rc2", "1.10.0-rc10",
		"1.10.0-alpine3.9", "1.10.0-alpine3.20", "1.10.0-debian-12-r9", "1.10.0-debian-12-r10", "1.10.0", "1.10.0.1", "1.10.0.1.9-slim", "1.10.0.1.9", "1.10.0.1.10", "1.10.0.2", "1.10.1", "2",
		"22.04", "22.10", "2024.9.30", "2024-10-03", "20241003"}
	versions := make([]image.Version, len(ordered))
	for i, tag := range ordered {
		var found bool
		if versions[i], found = image.ParseVersion(tag); !found {
			t.Fatalf("%s is no version", tag)
		}
	}
	shuffled := slices.Clone(versions)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	slices.SortFunc(shuffled, image.Version.Compare)
	if diff := cmp.Diff(versions, shuffled); diff != "" {
		t.Errorf("order (-want +got)\n%s", diff)
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"1.27.3-alpine", "v2.0.0-rc.1", "2024-10-03", "latest", "1.0.2k", "3.13.0b2-slim"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		v, found := image.ParseVersion(tag)
		if !found && v != (image.Version{}) {
			t.Errorf("%q: no version, but %+v", tag, v)
		}
		if v.Compare(v) != 0 {
			t.Errorf("%q is not equal to itself", tag)
		}
		if len(v.Suffix) >= len(tag) && tag != "" {
			t.Errorf("%q: suffix %q", tag, v.Suffix)
		}
	})
}
