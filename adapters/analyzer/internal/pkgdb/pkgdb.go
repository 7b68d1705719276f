// Package pkgdb checks the package databases of operating systems: whether they
// are whole, and how many packages a reader has to find in them.
//
// Readers of a damaged database tend to return a part of it, or nothing. In a
// comparison of images that would look like removed packages.
package pkgdb

import (
	"fmt"
	"io"
	"regexp"
)

// File is a file of a database in an image.
type File struct {
	Path    string
	Content io.Reader
	// Find lists the files of the image that match a glob pattern, with their
	// sizes in bytes.
	Find func(pattern string) (map[string]int64, error)
}

// Kind is the format of a package database.
type Kind struct {
	// Globs are the files that hold it.
	Globs []string
	// Cataloger is the name of the part of syft that reads it.
	Cataloger string
	// Repair is a remedy for a damaged one.
	Repair string
	// Marker reports that the files only show that there is a package, which others
	// beside them describe.
	Marker bool
	check  func(File) (int, error)
}

// Kinds are the formats that syft reads.
var Kinds = []Kind{
	{[]string{"**/lib/dpkg/status"}, dpkg, repairDpkg, false, checkStatus},
	{[]string{"**/lib/dpkg/status.d/*", "**/lib/opkg/info/*.control", "**/lib/opkg/status"}, dpkg, repairDpkg, false, checkControl},
	{[]string{"**/lib/apk/db/installed"}, "apk-db-cataloger", "apk audit --system shows the state", false, checkAPK},
	{[]string{"**/{var/lib,usr/share,usr/lib/sysimage}/rpm/{Packages,Packages.db,rpmdb.sqlite}"}, rpm, "rpm --rebuilddb may repair it", false, checkRPM},
	{[]string{"**/var/lib/rpmmanifest/container-manifest-2"}, rpm, "write it again with rpm --query --all", false, checkManifest},
	{[]string{"**/var/lib/pacman/local/**/desc"}, alpm, repairPacman, false, checkDesc},
	{[]string{"**/var/lib/pacman/local/*/files", "**/var/lib/pacman/local/*/mtree"}, alpm, repairPacman, true, beside("desc")},
	{[]string{"**/var/db/pkg/*/*/CONTENTS"}, portage, repairPortage, false, checkContents},
	{[]string{"**/var/db/pkg/*/*/PF"}, portage, repairPortage, true, beside("CONTENTS")},
}

const (
	dpkg          = "dpkg-db-cataloger"
	rpm           = "rpm-db-cataloger"
	alpm          = "alpm-db-cataloger"
	portage       = "portage-cataloger"
	repairDpkg    = "dpkg --audit names what is wrong"
	repairPacman  = "pacman -Dk names what is wrong"
	repairPortage = "emerge the package again"
)

// Check returns the number of packages that a reader has to find in the file, or a
// *Damage; other errors say nothing about the database. For the binary formats of rpm
// the number is 0 or 1: whether there is any package.
func (k Kind) Check(f File) (int, error) { return k.check(f) }

// Damage is the part of a database that cannot be read.
type Damage struct{ Path, Reason string }

// Error implements error.
func (d *Damage) Error() string {
	return fmt.Sprintf("package database %s is damaged: %s", d.Path, d.Reason)
}

// literal is a pattern that matches only that path.
func literal(path string) string { return special.ReplaceAllString(path, `\$0`) }

var special = regexp.MustCompile(`[\\*?\[\]{}]`)

// damaged is a Damage of the file.
func (f File) damaged(format string, arguments ...any) error {
	return &Damage{f.Path, fmt.Sprintf(format, arguments...)}
}

// failed is an error that says nothing about the database.
func (f File) failed(err error) error { return fmt.Errorf("read package database %s: %w", f.Path, err) }
