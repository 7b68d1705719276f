package image

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is what a tag such as v1.28.0-rc1-alpine says of a version. It covers
// semantic versions, shorter ones (1.27), longer ones (5.4.0.0.123) and calendar
// versions (22.04, 2024.10.3, 2024-10-03).
type Version struct {
	// Numbers are as the tag has them; those that it lacks are 0.
	Numbers [mostNumbers]uint64
	// Pre is the prerelease in lower case, its parts between dots, as in rc.1;
	// empty for a release.
	Pre string
	// Suffix is what follows, without the character that divides it, as in
	// alpine3.20; empty for none.
	Suffix string
}

// mostNumbers is how many numbers a version may have. A tag with more is not a
// version.
const mostNumbers = 8

var (
	numbersPattern = regexp.MustCompile(`^[vV]?(\d{1,18}(?:\.\d{1,18})*)`)
	datePattern    = regexp.MustCompile(`^[vV]?(\d{4})-(\d{2})-(\d{2})(?:[^0-9]|$)`)
	// prePattern is a prerelease with its number, and the suffix after it. Single
	// letters need a number: 3.13.0b2 is a prerelease, 1.0.2b is not.
	prePattern = regexp.MustCompile(`^(?i:[-_.]?(?:(alpha|beta|rc|cr|pre|preview|milestone|snapshot|nightly|canary|ea)(?:[-_.]?(\d+(?:\.\d+)*))?|([abm])(\d+)))(?:[-_.](.+))?$`)
)

// ParseVersion reads a tag, or a part of one. Found is false for a tag that is
// no version, as latest, or that is one only by chance, as the commit 7f3a9c2.
func ParseVersion(text string) (v Version, found bool) {
	numbers, rest, found := cutNumbers(text)
	if !found {
		return Version{}, false
	}
	for i, number := range numbers {
		v.Numbers[i], _ = strconv.ParseUint(number, 10, 64) // at most 18 digits
	}
	divided := rest == "" || strings.ContainsAny(rest[:1], "-_.")
	if !divided && len(numbers) == 1 {
		return Version{}, false
	}
	if pre := prePattern.FindStringSubmatch(rest); pre != nil {
		v.Pre = strings.ToLower(strings.TrimSuffix(pre[1]+pre[3]+"."+pre[2]+pre[4], "."))
		v.Suffix = pre[5]
		return v, true
	}
	if divided && rest != "" {
		rest = rest[1:]
	}
	v.Suffix = rest
	return v, true
}

// cutNumbers divides a tag into its numbers and the rest.
func cutNumbers(text string) (numbers []string, rest string, found bool) {
	if date := datePattern.FindStringSubmatchIndex(text); date != nil {
		return []string{text[date[2]:date[3]], text[date[4]:date[5]], text[date[6]:date[7]]}, text[date[7]:], true
	}
	match := numbersPattern.FindStringSubmatch(text)
	if match == nil {
		return nil, "", false
	}
	rest = text[len(match[0]):]
	numbers = strings.Split(match[1], ".")
	cut := rest != "" && rest[0] >= '0' && rest[0] <= '9' // within a number of too many digits
	return numbers, rest, !cut && len(numbers) <= mostNumbers
}

// Compare orders versions, the older first. A prerelease is older than its
// release, as https://semver.org has it. Of one version with several suffixes,
// the one without is the newest, and the numbers in the others count as numbers.
func (v Version) Compare(other Version) int {
	return cmp.Or(
		slices.Compare(v.Numbers[:], other.Numbers[:]),
		compareEmptyLast(v.Pre, other.Pre),
		compareEmptyLast(v.Suffix, other.Suffix),
	)
}

// compareEmptyLast compares texts in which runs of digits are numbers; the empty
// text comes last.
func compareEmptyLast(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(b), len(a))
	}
	return compareNatural(a, b)
}

func compareNatural(a, b string) int {
	for a != "" && b != "" {
		partA, partB := leading(a), leading(b)
		numberA, errA := strconv.ParseUint(partA, 10, 64)
		numberB, errB := strconv.ParseUint(partB, 10, 64)
		order := cmp.Compare(partA, partB)
		if errA == nil && errB == nil {
			order = cmp.Compare(numberA, numberB)
		}
		if order != 0 {
			return order
		}
		a, b = a[len(partA):], b[len(partB):]
	}
	return cmp.Compare(len(a), len(b))
}

// leading is the run of digits, or of other characters, that a text begins with.
func leading(text string) string {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	end := 1
	for end < len(text) && digit(text[end]) == digit(text[0]) {
		end++
	}
	return text[:end]
}
