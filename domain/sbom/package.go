package sbom

// Package is one installed package.
type Package struct {
	ID       string // syft's artifact id, unique in the SBOM
	Name     string
	Version  string // complete, as the package manager writes it: with epoch and release
	Type     string // syft's type: deb, apk, rpm, npm, gem, python, java-archive, go-module, ...
	Language string
	PURL     string
	// Source is the name of the package it was built from, for distribution
	// packages where it differs.
	Source    string
	Licenses  []string
	Locations []string // absolute paths where evidence of the package was found
	// Location is where the package itself is, in the form that trigger ids of
	// Anchore's policies use: the metadata file of npm and gem packages, the
	// (nested) archive of Java, the directory and top-level name of Python, the
	// binary of Go.
	Location string
	// Layer is the number, from 1, of the first layer with evidence of the package; 0 if
	// it is not known.
	Layer int
	// Shared reports that the only evidence is a database of packages, which each layer
	// with a package writes anew: the package may come from any layer up to Layer.
	Shared bool
	// Owned reports that every file of this language package belongs to a
	// distribution package.
	Owned bool
	// Manifest is what the package database says of the package's files.
	Manifest []ManifestEntry
}

// ManifestEntry is one file as the package database records it. Zero values
// mean that the database does not say.
type ManifestEntry struct {
	Path      string
	Algorithm string // md5, sha1 or sha256; "" if no digest is recorded
	Digest    string // hexadecimal
	Mode      string // octal
	Size      int64  // bytes
	Config    bool   // a configuration file, which may change
}

// Unreadable is a file that was to be read for its packages, and could not be, or
// not all of it.
type Unreadable struct {
	Path string `json:"path"`
	// Cataloger is the part of syft that reads such files, as in
	// "javascript-package-cataloger".
	Cataloger string `json:"cataloger"`
	Reason    string `json:"reason"`
}

// The parts of an image that a package comes from.
const (
	BaseLayer = "base" // the base image
	OwnLayer  = "own"  // what was built on it
)

// LayerOf is the part of the image that the package comes from; "" if nobody can tell.
func (i *Inventory) LayerOf(p Package) string {
	switch {
	case i.BaseLayers == 0 || p.Layer == 0:
		return ""
	case p.Layer <= i.BaseLayers:
		return BaseLayer
	case p.Shared:
		return ""
	}
	return OwnLayer
}
