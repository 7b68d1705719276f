package matcher

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	v6 "github.com/anchore/grype/grype/db/v6"
)

// rememberedRows bounds how many rows of each kind all readers of a build remember
// together.
const rememberedRows = 100_000

// memory caches what a reader has found, by its key. When it is full, it
// begins anew.
type memory[K comparable, V any] struct {
	found map[K]V
	rows  int
}

// remember asks get for what is not in memory. Size is how many rows a value counts
// as; nil for one each. Errors are not remembered.
func remember[K comparable, V any](m *memory[K, V], key K, size func(V) int, get func(K) (V, error)) (V, error) {
	if value, found := m.found[key]; found {
		return value, nil
	}
	value, err := get(key)
	if err != nil {
		return value, err
	}
	rows := 1
	if size != nil {
		rows += size(value)
	}
	limit := rememberedRows / runtime.GOMAXPROCS(0)
	if rows > limit/4 {
		return value, nil
	}
	if m.found == nil || m.rows+rows > limit {
		m.found, m.rows = map[K]V{}, 0
	}
	m.found[key], m.rows = value, m.rows+rows
	return value, nil
}

// statements are what a build says about packages of a name: the same for all their
// versions.
type statements struct{ name, ecosystem, systems string }

// statementsOf reports whether a question is about packages of a name, of whatever
// vulnerability: the ones that are looked up most often.
func statementsOf(of *v6.PackageSpecifier, options *v6.GetPackageOptions) (key statements, plain bool) {
	if of == nil || of.CPE != nil || options == nil || len(options.Vulnerabilities) > 0 || options.AllowBroadCPEMatching || options.Limit != 0 ||
		options.PreloadOS || options.PreloadPackage || options.PreloadPackageCPEs || options.PreloadVulnerability || !options.PreloadBlob {
		return key, false
	}
	var systems strings.Builder
	for _, system := range options.OSs {
		if system == nil {
			systems.WriteString("any;")
			continue
		}
		fmt.Fprintf(&systems, "%+v;", *system)
	}
	return statements{of.Name, of.Ecosystem, systems.String()}, true
}

// GetAffectedPackages remembers answers. The caller gets a copy, of which it may drop
// ranges.
func (r *reader) GetAffectedPackages(of *v6.PackageSpecifier, options *v6.GetPackageOptions) ([]v6.AffectedPackageHandle, error) {
	key, plain := statementsOf(of, options)
	if !plain {
		return r.Reader.GetAffectedPackages(of, options)
	}
	rows, err := remember(&r.affected, key, count, func(statements) ([]v6.AffectedPackageHandle, error) {
		return r.Reader.GetAffectedPackages(of, options)
	})
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].BlobValue = copied(rows[i].BlobValue)
	}
	return rows, err
}

// GetUnaffectedPackages is GetAffectedPackages for the others.
func (r *reader) GetUnaffectedPackages(of *v6.PackageSpecifier, options *v6.GetPackageOptions) ([]v6.UnaffectedPackageHandle, error) {
	key, plain := statementsOf(of, options)
	if !plain {
		return r.Reader.GetUnaffectedPackages(of, options)
	}
	rows, err := remember(&r.unaffected, key, count, func(statements) ([]v6.UnaffectedPackageHandle, error) {
		return r.Reader.GetUnaffectedPackages(of, options)
	})
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].BlobValue = copied(rows[i].BlobValue)
	}
	return rows, err
}

func count[T any](rows []T) int { return len(rows) }

func copied(statement *v6.PackageBlob) *v6.PackageBlob {
	if statement == nil {
		return nil
	}
	own := *statement
	own.Ranges = slices.Clone(own.Ranges)
	return &own
}
