package taglist

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// versionRange is a range of versions, as https://github.com/Masterminds/semver
// writes them.
type versionRange struct {
	constraints *semver.Constraints
	// prereleases reports that the range itself names one, and so lets them in.
	prereleases bool
}

var (
	// rangeDate and rangePadding are calendar versions in a range, which the
	// library does not read: 2024-10-03 and 22.04.
	rangeDate    = regexp.MustCompile(`\b(\d{4})-(\d{2})-(\d{2})\b`)
	rangePadding = regexp.MustCompile(`\b0+(\d)`)
	// rangeTail is what follows the numbers of a version in a range.
	rangeTail = regexp.MustCompile(`(\d)-([0-9A-Za-z.-]*[A-Za-z][0-9A-Za-z.-]*)`)
)

func parseRange(text string) (*versionRange, error) {
	plain := rangeDate.ReplaceAllString(text, "$1.$2.$3")
	plain = rangePadding.ReplaceAllString(plain, "$1")
	for _, tail := range rangeTail.FindAllStringSubmatch(plain, -1) {
		version, _ := image.ParseVersion("1.0-" + tail[2])
		if version.Pre == "" || version.Suffix != "" {
			return nil, fmt.Errorf("version range %q: %q is not a prerelease; remove it from the range and use --suffix %s: %w", text, tail[2], tail[2], errkind.Invalid)
		}
		plain = strings.ReplaceAll(plain, tail[0], tail[1]+"-"+version.Pre)
	}
	constraints, err := semver.NewConstraint(plain)
	if err != nil {
		return nil, fmt.Errorf("version range %q: %w; write it as '>=1.25 <2', '~1.27', '^1' or '22.04 || 24.04': %w", text, err, errkind.Invalid)
	}
	constraints.IncludePrerelease = true // whether they are wanted is asked before
	return &versionRange{constraints: constraints, prereleases: prerelease.MatchString(plain)}, nil
}

// prerelease finds one in a range; a range with hyphens, 1.2 - 1.4, has none.
var prerelease = regexp.MustCompile(`\d-[0-9A-Za-z]`)

// holds compares the first three numbers: a fourth is not known to ranges.
func (r *versionRange) holds(v image.Version) bool {
	return r.constraints.Check(semver.New(v.Numbers[0], v.Numbers[1], v.Numbers[2], v.Pre, ""))
}
