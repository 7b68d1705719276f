package inspect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/file"
	syftbom "github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/pkgdb"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// databases are the package databases of an image's operating system, by the
// paths of their files.
type databases map[string]database

type database struct {
	pkgdb.Kind
	packages int // that syft must find in it
}

// checkDatabases checks the package databases before syft reads them: syft ignores
// some damage, and never ends with other.
func checkDatabases(resolver file.Resolver) (databases, error) {
	found, packages := databases{}, 0
	for _, kind := range pkgdb.Kinds {
		for _, glob := range kind.Globs {
			locations, err := resolver.FilesByGlob(glob)
			if err != nil {
				return nil, fmt.Errorf("find package databases: %w: %w", errkind.Invalid, err)
			}
			for _, location := range locations {
				n, err := checkDatabase(resolver, location, kind)
				if err != nil {
					return nil, err
				}
				if packages += n; !kind.Marker {
					found[location.RealPath] = database{kind, n}
				}
			}
		}
	}
	return found, found.checkEmpty(packages)
}

func checkDatabase(resolver file.Resolver, location file.Location, kind pkgdb.Kind) (int, error) {
	content, err := resolver.FileContentsByLocation(location)
	if err != nil {
		return 0, unreadable(kind, &pkgdb.Damage{Path: location.RealPath, Reason: err.Error()})
	}
	defer content.Close()
	n, err := kind.Check(pkgdb.File{Path: location.RealPath, Content: content, Find: func(glob string) (map[string]int64, error) {
		return sizes(resolver, glob)
	}})
	var damage *pkgdb.Damage
	if errors.As(err, &damage) {
		return 0, unreadable(kind, damage)
	}
	return n, err
}

// sizes are the files that a pattern matches, with their sizes.
func sizes(resolver file.Resolver, glob string) (map[string]int64, error) {
	locations, err := resolver.FilesByGlob(glob)
	if err != nil {
		return nil, err
	}
	found := map[string]int64{}
	for _, location := range locations {
		metadata, err := resolver.FileMetadataByLocation(location)
		if err != nil {
			return nil, err
		}
		found[location.RealPath] = metadata.Size()
	}
	return found, nil
}

// checkEmpty refuses a database that lists nothing, unless another one does: many
// images have an empty one beside that of their distribution.
func (d databases) checkEmpty(packages int) error {
	if packages > 0 {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(d)) {
		return unreadable(d[path].Kind, &pkgdb.Damage{Path: path, Reason: "it lists no package"})
	}
	return nil
}

// checkRead refuses an SBOM that lacks packages of the databases.
func (d databases) checkRead(bill *syftbom.SBOM) error {
	for coordinates, reasons := range bill.Artifacts.Unknowns {
		for _, reason := range reasons {
			if d.failed(coordinates.RealPath, reason) {
				return unreadable(d[coordinates.RealPath].Kind, &pkgdb.Damage{Path: coordinates.RealPath, Reason: reason})
			}
		}
	}
	read := map[string]int{}
	for found := range bill.Artifacts.Packages.Enumerate() {
		if isSystem(found.Type) {
			for _, path := range pathsOf(found) {
				read[path]++
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(d)) {
		if want, got := d[path].packages, read[path]; got < want {
			return unreadable(d[path].Kind, &pkgdb.Damage{Path: path, Reason: fmt.Sprintf("%d of its %d packages could be read", got, want)})
		}
	}
	return nil
}

// failed reports whether syft could not read a database. Syft also fails for one that
// lists nothing.
func (d databases) failed(path, reason string) bool {
	cataloger, _ := splitReason(reason)
	return d[path].packages > 0 && d[path].Cataloger == cataloger
}

// unreadable is an error with the damage and the remedy.
func unreadable(kind pkgdb.Kind, damage *pkgdb.Damage) error {
	return fmt.Errorf("%w, so its packages cannot be determined; repair it (%s) and push the image again: %w", damage, kind.Repair, errkind.Invalid)
}

// splitReason splits syft's message about a file that it could not read.
func splitReason(reason string) (cataloger, text string) {
	cataloger, text, found := strings.Cut(reason, ": ")
	if !found {
		return "", reason
	}
	return cataloger, text
}
