package inspect

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// databaseLocation is Anchore's name for the location of a package that a
// distribution's package database lists.
const databaseLocation = "pkgdb"

// locationOf is where a package is, in the form of policies.
func locationOf(found pkg.Package) string {
	if isSystem(found.Type) {
		return databaseLocation
	}
	switch metadata := found.Metadata.(type) {
	case pkg.JavaArchive:
		return cmp.Or(metadata.VirtualPath, primaryPath(found))
	case pkg.PythonPackage:
		return pythonLocation(found, metadata)
	}
	return primaryPath(found)
}

// pythonLocation is the folder or module to import; named like the distribution if
// the package does not list its modules.
func pythonLocation(found pkg.Package, metadata pkg.PythonPackage) string {
	root := metadata.SitePackagesRootPath
	if root == "" {
		return primaryPath(found)
	}
	name := found.Name
	if len(metadata.TopLevelPackages) > 0 {
		name = metadata.TopLevelPackages[0]
	}
	return path.Join("/", root, name)
}

// primaryPath is the file in which syft found the package: package.json, gemspec,
// binary.
func primaryPath(found pkg.Package) string {
	locations := found.Locations.ToSlice()
	for _, location := range locations {
		if location.Annotations[pkg.EvidenceAnnotationKey] == pkg.PrimaryEvidenceAnnotation {
			return location.RealPath
		}
	}
	if len(locations) > 0 {
		return locations[0].RealPath
	}
	return ""
}

// sourceOf is the package that a distribution built the package from, if it has
// another name.
func sourceOf(found pkg.Package) string {
	var source string
	switch metadata := found.Metadata.(type) {
	case pkg.DpkgDBEntry:
		source = metadata.Source
	case pkg.ApkDBEntry:
		source = metadata.OriginPackage
	case pkg.RpmDBEntry:
		source = sourceOfRPM(metadata.SourceRpm)
	}
	if source == found.Name {
		return ""
	}
	return source
}

// sourceOfRPM is the name in name-version-release.src.rpm.
func sourceOfRPM(file string) string {
	for range 2 {
		i := strings.LastIndex(file, "-")
		if i < 0 {
			return ""
		}
		file = file[:i]
	}
	return file
}

// manifestOf is what the package database says about the package's files.
func manifestOf(found pkg.Package) (entries []sbom.ManifestEntry) {
	switch metadata := found.Metadata.(type) {
	case pkg.DpkgDBEntry:
		for _, each := range metadata.Files {
			algorithm, digest := hexDigest(each.Digest)
			entries = append(entries, sbom.ManifestEntry{Path: each.Path, Algorithm: algorithm, Digest: digest, Config: each.IsConfigFile})
		}
	case pkg.ApkDBEntry:
		for _, each := range metadata.Files {
			algorithm, digest := hexDigest(each.Digest)
			entries = append(entries, sbom.ManifestEntry{Path: each.Path, Algorithm: algorithm, Digest: digest, Mode: each.Permissions})
		}
	case pkg.RpmDBEntry:
		for _, each := range metadata.Files {
			algorithm, digest := hexDigest(&each.Digest)
			entries = append(entries, sbom.ManifestEntry{
				Path: each.Path, Algorithm: algorithm, Digest: digest,
				Mode: fmt.Sprintf("%o", uint32(each.Mode)), Size: int64(each.Size), Config: strings.Contains(each.Flags, "c"),
			})
		}
	}
	return entries
}

// hexDigest converts a recorded digest to hexadecimal. Alpine writes SHA-1 as Q1 and
// base64; digests by algorithms that are not computed for files are dropped.
func hexDigest(recorded *file.Digest) (algorithm, digest string) {
	if recorded == nil || recorded.Value == "" {
		return "", ""
	}
	if text, isAlpine := strings.CutPrefix(recorded.Value, "Q1"); isAlpine {
		if sum, err := base64.StdEncoding.DecodeString(text); err == nil {
			return "sha1", hex.EncodeToString(sum)
		}
		return "", ""
	}
	switch algorithm := strings.ToLower(strings.ReplaceAll(recorded.Algorithm, "-", "")); algorithm {
	case "md5", "sha1", "sha256":
		return algorithm, strings.ToLower(recorded.Value)
	}
	return "", ""
}
