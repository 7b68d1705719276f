package policy

import (
	"cmp"
	"strings"

	apk "github.com/knqyf263/go-apk-version"
	deb "github.com/knqyf263/go-deb-version"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// compareVersions orders two versions as the package manager of that type of syft does,
// apart from epochs. Invalid versions, and those of other types, have no order.
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

// alignEpochs drops the epoch of a version if the other has none: people write versions
// as upstream does, without the epoch.
func alignEpochs(a, b string) (string, string) {
	epochA, withoutA, hasA := cutEpoch(a)
	epochB, withoutB, hasB := cutEpoch(b)
	if hasA && hasB {
		return epochA + ":" + withoutA, epochB + ":" + withoutB
	}
	return withoutA, withoutB
}

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

// compareRPM orders [epoch:]version[-release]. A release counts only if both have one.
func compareRPM(a, b string) int {
	epochA, versionA, releaseA := splitRPM(a)
	epochB, versionB, releaseB := splitRPM(b)
	if releaseA == "" || releaseB == "" {
		releaseA, releaseB = "", ""
	}
	return cmp.Or(vuln.CompareVersions("rpm", epochA, epochB), vuln.CompareVersions("rpm", versionA, versionB), vuln.CompareVersions("rpm", releaseA, releaseB))
}

func splitRPM(text string) (epoch, version, release string) {
	epoch, version, _ = cutEpoch(text)
	if i := strings.LastIndex(version, "-"); i > 0 {
		version, release = version[:i], version[i+1:]
	}
	return epoch, version, release
}
