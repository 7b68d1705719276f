package policy

import (
	"cmp"
	"strings"

	apk "github.com/knqyf263/go-apk-version"
	deb "github.com/knqyf263/go-deb-version"
)

// compareVersions orders two versions as the package manager of that type of
// syft does, apart from epochs. Versions of other types, and what is no version,
// have no order.
func compareVersions(syftType, a, b string) (order int, comparable bool) {
	switch syftType {
	case "deb":
		return compareDeb(alignEpochs(a, b))
	case "apk":
		return compareAPK(a, b)
	case "rpm":
		return compareRPM(alignEpochs(a, b)), true
	}
	return 0, false
}

// alignEpochs drops the epoch of a version if the other has none: people write
// the versions that they know from upstream, and the epoch is not among them.
func alignEpochs(a, b string) (string, string) {
	epochA, withoutA, hasA := cutEpoch(a)
	epochB, withoutB, hasB := cutEpoch(b)
	if hasA && hasB {
		return epochA + ":" + withoutA, epochB + ":" + withoutB
	}
	return withoutA, withoutB
}

// cutEpoch splits epoch:version.
func cutEpoch(version string) (epoch, without string, found bool) {
	epoch, without, found = strings.Cut(version, ":")
	if !found || epoch == "" || !isDigits(epoch) {
		return "", version, false
	}
	return epoch, without, true
}

func compareDeb(a, b string) (int, bool) {
	first, err := deb.NewVersion(a)
	if err != nil {
		return 0, false
	}
	second, err := deb.NewVersion(b)
	if err != nil {
		return 0, false
	}
	return first.Compare(second), true
}

func compareAPK(a, b string) (int, bool) {
	return apk.Version(a).Compare(apk.Version(b)), apk.Valid(a) && apk.Valid(b)
}

// compareRPM orders [epoch:]version[-release] by epoch, version and release. A
// release counts only if both have one.
func compareRPM(a, b string) int {
	epochA, versionA, releaseA := splitRPM(a)
	epochB, versionB, releaseB := splitRPM(b)
	order := cmp.Or(compareRPMPart(epochA, epochB), compareRPMPart(versionA, versionB))
	if order != 0 || releaseA == "" || releaseB == "" {
		return order
	}
	return compareRPMPart(releaseA, releaseB)
}

func splitRPM(text string) (epoch, version, release string) {
	epoch, version, _ = cutEpoch(text)
	if i := strings.LastIndex(version, "-"); i > 0 {
		version, release = version[:i], version[i+1:]
	}
	return epoch, version, release
}

// compareRPMPart is rpmvercmp: segments of digits or of letters are compared one
// by one, and what separates them does not count. "~" sorts before the end of
// the version, "^" after the end but before any further segment.
// See https://rpm-software-management.github.io/rpm/manual/dependencies.html.
func compareRPMPart(a, b string) int {
	for {
		a, b = skipSeparators(a), skipSeparators(b)
		rank := rpmRank(a)
		if order := cmp.Compare(rank, rpmRank(b)); order != 0 || rank == rpmEnd {
			return order
		}
		if rank != rpmSegment {
			a, b = a[1:], b[1:]
			continue
		}
		segmentA, segmentB := rpmHead(a), rpmHead(b)
		if order := compareSegments(segmentA, segmentB); order != 0 {
			return order
		}
		a, b = a[len(segmentA):], b[len(segmentB):]
	}
}

// What a version can go on with, in ascending order.
const (
	rpmTilde = iota
	rpmEnd
	rpmCaret
	rpmSegment
)

func rpmRank(rest string) int {
	switch {
	case rest == "":
		return rpmEnd
	case rest[0] == '~':
		return rpmTilde
	case rest[0] == '^':
		return rpmCaret
	}
	return rpmSegment
}

func skipSeparators(rest string) string {
	i := strings.IndexFunc(rest, func(r rune) bool { return isDigit(r) || isLetter(r) || r == '~' || r == '^' })
	if i < 0 {
		return ""
	}
	return rest[i:]
}

// rpmHead is the first segment: all digits or all letters.
func rpmHead(rest string) string {
	kind := isLetter
	if isDigit(rune(rest[0])) {
		kind = isDigit
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !kind(r) })
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// compareSegments orders numbers by value, letters by code, and any number
// after any letters.
func compareSegments(a, b string) int {
	numberA, numberB := isDigit(rune(a[0])), isDigit(rune(b[0]))
	switch {
	case numberA && numberB:
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	case numberA:
		return 1
	case numberB:
		return -1
	}
	return cmp.Compare(a, b)
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
