package lab

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
)

// Apk is an installed Alpine package.
type Apk struct {
	Name    string
	Version string // with release, as "3.3.0-r2"
	Origin  string // source package, by which advisories name it; the name when empty
	License string // MIT when empty
}

// Alpine is an Alpine 3.20 system with these packages. A second one in the same
// image replaces the package database; list all packages again.
func Alpine(packages ...Apk) Part {
	return func(r *recipe) error {
		var installed strings.Builder
		for _, p := range packages {
			installed.WriteString(p.stanza() + "\n")
		}
		return r.add(addRoot("alpine-minirootfs-3.20.3-x86_64.tar.gz"),
			Text("/etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\n"+
				"PRETTY_NAME=\"Alpine Linux v3.20\"\nHOME_URL=\"https://alpinelinux.org/\"\n"),
			Text("/etc/alpine-release", "3.20.3\n"),
			Text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"),
			Executable("/bin/busybox", staticELF),
			Symlink("/bin/sh", "/bin/busybox"),
			Text("/lib/apk/db/installed", installed.String()))
	}
}

// stanza is the package's paragraph in apk's database of installed packages. See
// https://wiki.alpinelinux.org/wiki/Apk_spec.
func (p Apk) stanza() string {
	sum := sha1.Sum([]byte(p.Name + p.Version))
	fields := []string{
		"C:Q1" + base64.StdEncoding.EncodeToString(sum[:]),
		"P:" + p.Name,
		"V:" + p.Version,
		"A:x86_64",
		"S:1024", "I:4096",
		"T:" + p.Name + " as Alpine packages it",
		"U:https://pkgs.alpinelinux.org/",
		"L:" + cmp.Or(p.License, "MIT"),
		"o:" + cmp.Or(p.Origin, p.Name),
		"m:Alpine Maintainers <maintainers@alpinelinux.org>",
		fmt.Sprintf("t:%d", epoch.Unix()),
	}
	return strings.Join(fields, "\n") + "\n"
}
