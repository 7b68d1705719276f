package lab

import (
	"cmp"
	"crypto/md5"
	"fmt"
	"io/fs"
	"strings"
)

// Deb is an installed Debian package. Only Name and Version are needed.
type Deb struct {
	Name    string
	Version string // with epoch, as "1:1.2.13.dfsg-1"
	// Source is the source package, by which advisories name it; empty when it has
	// the package's name. SourceVersion is empty when it equals Version.
	Source        string
	SourceVersion string
	Architecture  string   // amd64 when empty
	License       string   // as in a machine-readable copyright file; GPL-2+ when empty
	Section       string   // libs when empty
	Depends       []string // names
}

// Debian is a Debian 12 system with these packages: its package database and what
// policies check (accounts, set-uid programs, licenses). A second one in the same
// image replaces the package database, as an upgrade does; list all packages again.
func Debian(packages ...Deb) Part {
	return func(r *recipe) error {
		files := debianSystem()
		var status strings.Builder
		for _, p := range packages {
			files = append(files, p.files()...)
			status.WriteString(p.stanza() + "\n")
		}
		return r.add(addRoot("rootfs.tar.xz"), append(files, Text("/var/lib/dpkg/status", status.String()))...)
	}
}

// Bookworm is a small but typical set of packages of Debian 12.1, with versions
// that had known vulnerabilities.
func Bookworm(more ...Deb) []Deb {
	return append([]Deb{
		{Name: "base-files", Version: "12.4+deb12u1", Section: "admin"},
		{Name: "bash", Version: "5.2.15-2+b2", Source: "bash", SourceVersion: "5.2.15-2", License: "GPL-3+", Section: "shells"},
		{Name: "coreutils", Version: "9.1-1", License: "GPL-3+", Section: "utils"},
		{Name: "libc6", Version: "2.36-9+deb12u1", Source: "glibc", License: "LGPL-2.1+"},
		{Name: "libssl3", Version: "3.0.9-1", Source: "openssl", License: "Apache-2.0", Depends: []string{"libc6"}},
		{Name: "openssl", Version: "3.0.9-1", License: "Apache-2.0", Section: "utils", Depends: []string{"libc6", "libssl3"}},
		{Name: "passwd", Version: "1:4.13+dfsg1-1+b1", Source: "shadow", SourceVersion: "1:4.13+dfsg1-1", License: "BSD-3-clause", Section: "admin"},
		{Name: "tzdata", Version: "2023c-5", License: "public-domain", Section: "localization", Architecture: "all"},
		{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Source: "zlib", License: "Zlib", Depends: []string{"libc6"}},
	}, more...)
}

// debianSystem are the files that do not depend on the packages.
func debianSystem() []File {
	return []File{
		Text("/etc/os-release", debianRelease),
		Text("/etc/debian_version", "12.1\n"),
		Text("/etc/passwd", debianAccounts),
		Text("/etc/group", "root:x:0:\ndaemon:x:1:\nshadow:x:42:\nwww-data:x:33:\nnogroup:x:65534:\n"),
		{Path: "/etc/shadow", Data: []byte("root:*:19576:0:99999:7:::\n"), Mode: 0o640, GID: 42},
		{Path: "/usr/bin/su", Data: staticELF, Mode: fs.ModeSetuid | 0o755},
		{Path: "/usr/bin/chage", Data: staticELF, Mode: fs.ModeSetgid | 0o755, GID: 42},
		{Path: "/tmp", Dir: true, Mode: fs.ModeSticky | 0o777},
	}
}

const debianRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`

const debianAccounts = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

// stanza is the package's paragraph in dpkg's status file. See
// https://www.debian.org/doc/debian-policy/ch-controlfields.html.
func (p Deb) stanza() string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("Package", p.Name)
	field("Status", "install ok installed")
	field("Priority", "optional")
	field("Section", cmp.Or(p.Section, "libs"))
	field("Installed-Size", "64")
	field("Maintainer", "Debian Maintainers <maintainers@lists.debian.org>")
	field("Architecture", cmp.Or(p.Architecture, "amd64"))
	field("Source", p.source())
	field("Version", p.Version)
	field("Depends", strings.Join(p.Depends, ", "))
	field("Description", p.Name+" as Debian packages it")
	return b.String()
}

func (p Deb) source() string {
	if p.SourceVersion == "" {
		return p.Source
	}
	return fmt.Sprintf("%s (%s)", cmp.Or(p.Source, p.Name), p.SourceVersion)
}

// files are what dpkg keeps and installs for the package.
func (p Deb) files() []File {
	document := "usr/share/doc/" + p.Name + "/copyright"
	copyright := fmt.Sprintf("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"+
		"Upstream-Name: %s\n\nFiles: *\nCopyright: the authors of %[1]s\nLicense: %s\n", p.Name, cmp.Or(p.License, "GPL-2+"))
	info := "/var/lib/dpkg/info/" + p.Name
	return []File{
		Text("/"+document, copyright),
		Text(info+".list", "/.\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/doc/"+p.Name+"\n/"+document+"\n"),
		Text(info+".md5sums", fmt.Sprintf("%x  %s\n", md5.Sum([]byte(copyright)), document)),
	}
}
