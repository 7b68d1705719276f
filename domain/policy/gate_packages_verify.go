package policy

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func verifyPackages(c *check) error {
	only, directories := c.set("only_packages"), c.list("only_directories")
	for p := range each(c.memo.timeLimit, c.input.Inventory.Packages) {
		if visible(&p) && (len(only) == 0 || only[p.Name]) {
			verifyPackage(c, &p, directories)
		}
	}
	return nil
}

func verifyPackage(c *check, p *sbom.Package, directories []string) {
	wanted := c.value("check")
	for entry := range each(c.memo.timeLimit, p.Manifest) {
		if !c.spend(elementWork*len(directories)) || !underAny(entry.Path, directories) {
			continue
		}
		if status := verify(c, entry); status != "" && (wanted == "" || wanted == status) {
			c.fire(fmt.Sprintf("VERIFY check against package db for package '%s' failed on entry '%s' with status: '%s'", p.Name, entry.Path, status))
		}
	}
}

// underAny compares texts: /usr covers /usrlocal as well. No directories cover
// everything.
func underAny(name string, directories []string) bool {
	return len(directories) == 0 ||
		slices.ContainsFunc(directories, func(directory string) bool { return strings.HasPrefix(name, directory) })
}

// verify is the status of a file: missing, changed, or "" if it is as its
// package brought it. A configuration file may change but not be missing.
func verify(c *check, entry sbom.ManifestEntry) string {
	file, found := installedFile(c.input.Inventory, entry.Path)
	switch {
	case !found:
		return "missing"
	case entry.Config:
		return ""
	case file.Regular() && (digestDiffers(file, entry) || sizeDiffers(file, entry)),
		(file.Regular() || file.Mode&sbom.ModeTypeMask == sbom.ModeDirectory) && modeDiffers(file, entry):
		return "changed"
	}
	return ""
}

func digestDiffers(file sbom.File, entry sbom.ManifestEntry) bool {
	actual := map[string]string{"md5": file.MD5, "sha1": file.SHA1, "sha256": file.SHA256}[entry.Algorithm]
	return actual != "" && entry.Digest != "" && !strings.EqualFold(actual, entry.Digest)
}

// modeDiffers compares as many octal digits as both have: package databases
// record the permissions with or without the type of the file. None recorded, or
// 0, is nothing to compare with.
func modeDiffers(file sbom.File, entry sbom.ManifestEntry) bool {
	recorded := strings.TrimLeft(strings.TrimPrefix(entry.Mode, "0o"), "0")
	actual := strconv.FormatUint(uint64(file.Mode), 8)
	length := min(len(recorded), len(actual))
	return recorded[len(recorded)-length:] != actual[len(actual)-length:]
}

func sizeDiffers(file sbom.File, entry sbom.ManifestEntry) bool {
	return file.Size != 0 && entry.Size != 0 && file.Size != entry.Size
}

// maxLinks bounds the links that one path may lead over.
const maxLinks = 10

// installedFile finds a file where its package put it. Distributions that merged
// /bin into /usr/bin left a link for the directory, while their databases may
// still name the files by the old path.
func installedFile(inventory *sbom.Inventory, name string) (sbom.File, bool) {
	for range maxLinks {
		if file, found := fileAt(inventory, name); found {
			return file, true
		}
		behind, linked := behindLink(inventory, name)
		if !linked {
			break
		}
		name = behind
	}
	return sbom.File{}, false
}

// behindLink replaces the first directory on the path that is a link.
func behindLink(inventory *sbom.Inventory, name string) (string, bool) {
	for i := 1; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		link, found := fileAt(inventory, name[:i])
		if !found || link.Mode&sbom.ModeTypeMask != sbom.ModeSymlink {
			continue
		}
		if path.IsAbs(link.Link) {
			return path.Join(link.Link, name[i:]), true
		}
		return path.Join(path.Dir(link.Path), link.Link, name[i:]), true
	}
	return "", false
}

// fileAt relies on the order of the files by path.
func fileAt(inventory *sbom.Inventory, name string) (sbom.File, bool) {
	i, found := slices.BinarySearchFunc(inventory.Files, name, func(f sbom.File, name string) int { return strings.Compare(f.Path, name) })
	if !found {
		return sbom.File{}, false
	}
	return inventory.Files[i], true
}
