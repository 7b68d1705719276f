package notification

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// ImageDifference is what changed from one image of a tag to the next.
type ImageDifference struct {
	PackagesAdded, PackagesRemoved []vuln.Package
	PackagesChanged                []PackageChange
	// Fixed are vulnerabilities that only the earlier image has; Introduced
	// those that only the later one has.
	Fixed, Introduced []vuln.Finding
	// NotCovered are vulnerabilities of the earlier image that the later one may have:
	// the data does not cover its distribution.
	NotCovered []vuln.Finding
	// LeftOut counts what the filters of the receiver left out of these lists.
	LeftOut LeftOut
}

// PackageChange is a package in two versions.
type PackageChange struct{ Before, After vuln.Package }

// DiffPackages compares the packages of two images by name and type. If exactly one
// version of a package is gone and exactly one is new, the package has changed.
func DiffPackages(before, after []vuln.Package) ImageDifference {
	gone, added := only(before, after), only(after, before)
	var d ImageDifference
	for _, key := range keysOf(gone, added) {
		old, new := gone[key], added[key]
		if len(old) == 1 && len(new) == 1 {
			d.PackagesChanged = append(d.PackagesChanged, PackageChange{old[0], new[0]})
			continue
		}
		d.PackagesRemoved = append(d.PackagesRemoved, old...)
		d.PackagesAdded = append(d.PackagesAdded, new...)
	}
	return d
}

// nameType identifies a package, whatever its version.
type nameType struct{ name, kind string }

// only groups the packages of list that others do not have in that version.
// The same package at several places of an image counts once.
func only(list, others []vuln.Package) map[nameType][]vuln.Package {
	type version struct {
		nameType
		version string
	}
	identity := func(p vuln.Package) version { return version{nameType{p.Name, p.Type}, p.Version} }
	seen := map[version]bool{}
	for _, p := range others {
		seen[identity(p)] = true
	}
	rest := map[nameType][]vuln.Package{}
	for _, p := range list {
		id := identity(p)
		if !seen[id] {
			rest[id.nameType] = append(rest[id.nameType], p)
		}
		seen[id] = true
	}
	return rest
}

func keysOf(groups ...map[nameType][]vuln.Package) []nameType {
	var keys []nameType
	for _, group := range groups {
		for key := range group {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b nameType) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind))
	})
	return slices.Compact(keys)
}

func (d *ImageDifference) summary() string {
	changed := len(d.PackagesAdded) + len(d.PackagesRemoved) + len(d.PackagesChanged)
	line := fmt.Sprintf("%s changed, %s fixed, %d introduced",
		wording.Count(changed, "package"), wording.Count(len(d.Fixed), "vulnerability"), len(d.Introduced))
	if len(d.NotCovered) > 0 {
		line += fmt.Sprintf(", %d no longer known", len(d.NotCovered))
	}
	if n := d.LeftOut.total(); n > 0 {
		line += fmt.Sprintf(", %d more left out by filters", n)
	}
	return line
}

func (d *ImageDifference) counts() map[string]int {
	if d == nil {
		return map[string]int{}
	}
	counts := map[string]int{
		"packages_added":             len(d.PackagesAdded),
		"packages_removed":           len(d.PackagesRemoved),
		"packages_changed":           len(d.PackagesChanged),
		"vulnerabilities_fixed":      len(d.Fixed),
		"vulnerabilities_introduced": len(d.Introduced),
	}
	if len(d.NotCovered) > 0 {
		counts["vulnerabilities_not_covered"] = len(d.NotCovered)
	}
	return counts
}

type imageDifference struct {
	Packages struct {
		Added   []packageRecord `json:"added"`
		Removed []packageRecord `json:"removed"`
		Changed []packageRecord `json:"changed"`
	} `json:"packages"`
	Vulnerabilities struct {
		Fixed      []record `json:"fixed"`
		Introduced []record `json:"introduced"`
		NotCovered []record `json:"not_covered,omitempty"`
		LeftOut    LeftOut  `json:"left_out,omitzero"`
	} `json:"vulnerabilities"`
}

type packageRecord struct {
	Name            string `json:"name"`
	Version         string `json:"version"`
	PreviousVersion string `json:"previous_version,omitempty"`
	Type            string `json:"type"`
	PURL            string `json:"purl,omitempty"`
}

func (d *ImageDifference) body() *imageDifference {
	if d == nil {
		return nil
	}
	body := &imageDifference{}
	body.Packages.Added = packageRecords(d.PackagesAdded)
	body.Packages.Removed = packageRecords(d.PackagesRemoved)
	body.Packages.Changed = changeRecords(d.PackagesChanged)
	body.Vulnerabilities.Fixed = records(d.Fixed)
	body.Vulnerabilities.Introduced = records(d.Introduced)
	body.Vulnerabilities.NotCovered, body.Vulnerabilities.LeftOut = records(d.NotCovered), d.LeftOut
	return body
}

func packageRecords(packages []vuln.Package) []packageRecord {
	list := make([]packageRecord, len(packages))
	for i, p := range packages {
		list[i] = newPackageRecord(p)
	}
	return sorted(list)
}

func changeRecords(changes []PackageChange) []packageRecord {
	list := make([]packageRecord, len(changes))
	for i, change := range changes {
		list[i] = newPackageRecord(change.After)
		list[i].PreviousVersion = change.Before.Version
	}
	return sorted(list)
}

func newPackageRecord(p vuln.Package) packageRecord {
	return packageRecord{Name: p.Name, Version: p.Version, Type: policy.PackageType(p.Type), PURL: p.PURL}
}

func sorted(list []packageRecord) []packageRecord {
	slices.SortFunc(list, func(a, b packageRecord) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version))
	})
	return list
}
