package vuln

import (
	"cmp"
	"math/big"
	"strings"
	"unicode"
)

// CompareVersions orders two versions of a package of a type of package URL, as in
// "deb" or "npm": negative if a is the older one. It supports epochs, prereleases, and
// the "~" and "^" of distributions; for rpm it is rpmvercmp. It is for finding packages
// and for policies, not for matching vulnerabilities.
// See https://rpm-software-management.github.io/rpm/manual/dependencies.html.
func CompareVersions(kind, a, b string) int {
	distribution := kind == "deb" || kind == "rpm" || kind == "apk" || kind == "alpm"
	epochA, a := epoch(a)
	epochB, b := epoch(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c
	}
	if !distribution {
		a, b = release(a), release(b)
	}
	x, y := parts(a), parts(b)
	for i := range max(len(x), len(y)) {
		if c := compareParts(part(x, i), part(y, i), distribution); c != 0 {
			return c
		}
	}
	return 0
}

func part(list []string, at int) string {
	if at < len(list) {
		return list[at]
	}
	return ""
}

func epoch(version string) (number, rest string) {
	before, after, found := strings.Cut(version, ":")
	if !found || strings.Trim(before, "0123456789") != "" {
		return "0", version
	}
	return before, after
}

// release drops what does not count between versions of libraries: a leading "v" and
// the build metadata.
func release(version string) string {
	version, _, _ = strings.Cut(strings.TrimPrefix(strings.ToLower(version), "v"), "+")
	return version
}

// parts are the numbers, words, tildes and carets of a version.
func parts(version string) []string {
	var list []string
	var last rune
	for _, r := range version {
		kind := kindOf(r)
		if kind != '.' {
			if kind == last && (kind == '0' || kind == 'a') {
				list[len(list)-1] += string(r)
			} else {
				list = append(list, string(r))
			}
		}
		last = kind
	}
	return list
}

func kindOf(r rune) rune {
	switch {
	case r == '~', r == '^':
		return r
	case r >= '0' && r <= '9':
		return '0'
	case r < unicode.MaxASCII && unicode.IsLetter(r):
		return 'a'
	default:
		return '.'
	}
}

// The weights of parts at one place, the oldest first.
const (
	tilde = iota
	before
	end
	caret
	after
	number
)

func weight(part string, distribution bool) int {
	if part == "" {
		return end
	}
	switch kindOf([]rune(part)[0]) {
	case '~':
		return tilde
	case '^':
		return caret
	case '0':
		return number
	}
	if distribution || later[part] {
		return after
	}
	return before
}

// later are the words of versions after the release.
var later = map[string]bool{"post": true, "sp": true, "patch": true, "p": true, "r": true}

// For libraries, 1.0 equals 1.0.0.
func compareParts(a, b string, distribution bool) int {
	if !distribution && (a == "" && zero(b) || b == "" && zero(a)) {
		return 0
	}
	if c := cmp.Compare(weight(a, distribution), weight(b, distribution)); c != 0 {
		return c
	}
	if weight(a, distribution) == number {
		return compareNumbers(a, b)
	}
	return strings.Compare(a, b)
}

func zero(part string) bool { return part != "" && strings.Trim(part, "0") == "" }

func compareNumbers(a, b string) int {
	x, _ := new(big.Int).SetString(a, 10)
	y, _ := new(big.Int).SetString(b, 10)
	return x.Cmp(y)
}
