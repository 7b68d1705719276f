package vuln

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// PackageQuery selects packages by their package URL and a range of versions.
type PackageQuery struct {
	Type      string // of the package URL, as in "npm"
	Namespace string // as in "@babel" or "debian"; "" for any
	Name      string
	bounds    []bound // all must hold
}

type bound struct{ operator, version string }

// IsPackageURL reports whether a text begins as one.
func IsPackageURL(text string) bool { return hasPrefixFold(text, "pkg:") }

// ParsePackageQuery reads a package URL with a version, or with comparisons separated by
// commas: pkg:npm/lodash@>=4,<4.17.21.
func ParsePackageQuery(text string) (PackageQuery, error) {
	invalid := func(why string) error {
		return fmt.Errorf("package URL %q %s; expected one such as pkg:npm/lodash, pkg:npm/lodash@4.17.20 or 'pkg:npm/lodash@>=4,<4.17.21': %w", text, why, errkind.Invalid)
	}
	coordinates, versions, ok := split(text)
	if !ok {
		return PackageQuery{}, invalid("cannot be read")
	}
	kind, path, found := strings.Cut(strings.Trim(coordinates, "/"), "/")
	path = strings.Trim(path, "/")
	if !found || kind == "" || path == "" {
		return PackageQuery{}, invalid("has no type or no name")
	}
	q := PackageQuery{Type: strings.ToLower(kind), Name: path}
	if at := strings.LastIndex(path, "/"); at >= 0 {
		q.Namespace, q.Name = path[:at], path[at+1:]
	}
	for part := range strings.SplitSeq(versions, ",") {
		if strings.TrimSpace(versions) == "" {
			break
		}
		b := parseBound(part)
		if b.version == "" {
			return PackageQuery{}, invalid("has a comparison without a version")
		}
		q.bounds = append(q.bounds, b)
	}
	return q, nil
}

// split drops the qualifiers and the subpath of a package URL.
func split(text string) (coordinates, version string, ok bool) {
	if !IsPackageURL(text) {
		return "", "", false
	}
	text, _, _ = strings.Cut(text[len("pkg:"):], "#")
	text, _, _ = strings.Cut(text, "?")
	coordinates = text
	if at := strings.LastIndex(text, "@"); at > strings.LastIndex(text, "/") {
		coordinates, version = text[:at], text[at+1:]
	}
	coordinates, err := url.PathUnescape(coordinates)
	if err != nil {
		return "", "", false
	}
	version, err = url.PathUnescape(version)
	return coordinates, version, err == nil
}

func parseBound(text string) bound {
	text = strings.TrimSpace(text)
	for _, operator := range []string{">=", "<=", ">", "<", "="} {
		if version, found := strings.CutPrefix(text, operator); found {
			return bound{operator, strings.TrimSpace(version)}
		}
	}
	return bound{"=", text}
}

// LookupName is the lower-case name in the package's URL, for queries; "" without a URL.
func (p Package) LookupName() string {
	coordinates, _, ok := split(p.PURL)
	if !ok {
		return ""
	}
	return strings.ToLower(coordinates[strings.LastIndex(coordinates, "/")+1:])
}

// Selects reports whether the query matches a package.
func (q PackageQuery) Selects(p Package) bool {
	coordinates, _, ok := split(p.PURL)
	if !ok {
		return false
	}
	kind, path, _ := strings.Cut(coordinates, "/")
	namespace, name := "", path
	if at := strings.LastIndex(path, "/"); at >= 0 {
		namespace, name = path[:at], path[at+1:]
	}
	if !strings.EqualFold(kind, q.Type) || !strings.EqualFold(name, q.Name) || q.Namespace != "" && !strings.EqualFold(namespace, q.Namespace) {
		return false
	}
	for _, b := range q.bounds {
		if !b.holds(CompareVersions(q.Type, p.Version, b.version)) {
			return false
		}
	}
	return true
}

func (b bound) holds(order int) bool {
	switch b.operator {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	default:
		return order == 0
	}
}
