package packages

import (
	"cmp"
	"regexp"
	"strings"
)

var gemSegment = regexp.MustCompile(`[0-9]+|[A-Za-z]+`)

// compareGemVersions orders versions of gems as RubyGems does: segment by
// segment, numbers by value, texts alphabetically and before numbers; a missing
// segment counts as zero. See https://docs.ruby-lang.org/en/master/Gem/Version.html.
func compareGemVersions(a, b string) int {
	left, right := gemSegments(a), gemSegments(b)
	for i := range max(len(left), len(right)) {
		if order := compareGemSegments(segmentAt(left, i), segmentAt(right, i)); order != 0 {
			return order
		}
	}
	return 0
}

// gemSegments are the parts of a version; a hyphen begins a prerelease.
func gemSegments(version string) []string {
	return gemSegment.FindAllString(strings.ReplaceAll(version, "-", ".pre."), -1)
}

func segmentAt(segments []string, i int) string {
	if i < len(segments) {
		return segments[i]
	}
	return "0"
}

func compareGemSegments(a, b string) int {
	switch numberA, numberB := isNumber(a), isNumber(b); {
	case numberA && !numberB:
		return 1
	case !numberA && numberB:
		return -1
	case !numberA:
		return cmp.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func isNumber(segment string) bool { return segment[0] <= '9' }
