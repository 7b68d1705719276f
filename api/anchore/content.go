package anchore

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/operations"
)

func encoded(text string) any {
	if text == "" {
		return nil
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// The kinds of vulnerabilities that Anchore tells apart.
const (
	everything = "all"
	ofSystem   = "os"
	ofOthers   = "non-os"
)

func vulnerabilityTypes(c *call) (any, error) {
	_, err := c.image()
	return []string{ofSystem, ofOthers, everything}, err
}

func vulnerabilities(c *call) (any, error) {
	kind := c.r.PathValue("type")
	if !slices.Contains([]string{everything, ofSystem, ofOthers}, kind) {
		return nil, invalid("invalid vulnerability type " + kind + ": expected one of os, non-os, all")
	}
	tag, digest, err := c.analyzedTag()
	if err != nil {
		return nil, err
	}
	list, err := operations.All(func(page operations.Page) ([]operations.Vulnerability, string, error) {
		list, err := operations.ListVulnerabilities.Run(c, c.system, operations.VulnerabilitiesRequest{TagRequest: operations.OfTag(tag.Target), Page: page})
		return list.Vulnerabilities, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	vendorOnly, rows := c.flag("vendor_only", true), []any{}
	for _, v := range list {
		if kind == ofSystem && !policy.IsOSPackage(v.Type) || kind == ofOthers && policy.IsOSPackage(v.Type) {
			continue
		}
		if vendorOnly && v.FixState == vuln.FixWont {
			continue // the vendor does not take it for a vulnerability to fix
		}
		rows = append(rows, vulnerabilityRow(v))
	}
	return map[string]any{"imageDigest": digest, "vulnerability_type": kind, "vulnerabilities": rows}, nil
}

func vulnerabilityRow(v operations.Vulnerability) map[string]any {
	return map[string]any{"vuln": v.ID, "severity": v.Severity, "fix": fixText(v.Fixes), "package": v.Package + "-" + v.Version, "package_name": v.Package, "package_version": v.Version,
		"package_type": policy.PackageType(v.Type), "package_path": pathText(v.Location), "package_cpe": "None", "package_cpe23": "None", "url": v.URL, "feed": "vulnerabilities", "feed_group": v.Namespace,
		"will_not_fix": v.FixState == vuln.FixWont, "nvd_data": []any{}, "vendor_data": []any{}}
}

// fixText is None without a fix.
func fixText(versions []string) string {
	if len(versions) == 0 {
		return "None"
	}
	return strings.Join(versions, ", ")
}

// pathText is Anchore's word for packages of a package database without a location.
func pathText(location string) string {
	if location == "" {
		return "pkgdb"
	}
	return location
}

// systemContent and fileContent are kinds of content beside the types of packages.
const (
	systemContent = "os"
	fileContent   = "files"
)

// packageContents are the kinds of content that are types of packages.
var packageContents = []string{systemContent, "npm", "gem", "python", "java", "go", "binary"}

func contentTypes(c *call) (any, error) {
	_, err := c.image()
	return packageContents, err
}

func content(c *call) (any, error) {
	kind := c.r.PathValue("type")
	switch {
	case kind == fileContent || kind == "malware":
		f := instead("list what an image contains with: tagwatch sbom, and check files and malware in a policy")
		return nil, &f
	case !slices.Contains(packageContents, kind):
		return nil, invalid("invalid content type " + kind + ": expected one of " + strings.Join(packageContents, ", "))
	}
	tag, digest, err := c.analyzedTag()
	if err != nil {
		return nil, err
	}
	packages, err := operations.All(func(page operations.Page) ([]operations.ListedPackage, string, error) {
		list, err := operations.ListPackages.Run(c, c.system, operations.PackagesRequest{TagRequest: operations.OfTag(tag.Target), Page: page})
		return list.Packages, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, p := range packages {
		if kind == systemContent && !policy.IsOSPackage(p.Type) || kind != systemContent && policy.PackageType(p.Type) != kind {
			continue
		}
		rows = append(rows, packageRow(kind, p))
	}
	return map[string]any{"imageDigest": digest, "content_type": kind, "content": rows}, nil
}

// packageRow has a license in words for packages of the operating system, which clients
// show, and the list beside.
func packageRow(kind string, p operations.ListedPackage) map[string]any {
	license := "Unknown"
	if len(p.Licenses) > 0 {
		license = strings.Join(p.Licenses, " ")
	}
	row := map[string]any{"package": p.Name, "version": p.Version, "type": strings.ToUpper(policy.PackageType(p.Type)), "license": license, "licenses": p.Licenses,
		"origin": "Unknown", "size": "Unknown", "location": pathText(p.Location), "purl": p.PURL}
	if kind == "java" {
		row["implementation-version"], row["specification-version"], row["maven-version"] = "N/A", "N/A", p.Version
	}
	return row
}

// metadataTypes are those that Tagwatch stores.
func metadataTypes(c *call) (any, error) {
	_, err := c.image()
	return []string{"dockerfile"}, err
}

func metadata(c *call) (any, error) {
	switch kind := c.r.PathValue("type"); kind {
	case "dockerfile":
	case "manifest", "docker_history":
		f := instead("the " + kind + " of an image is not stored; read it from the registry")
		return nil, &f
	default:
		return nil, invalid("invalid metadata type " + kind + ": expected dockerfile")
	}
	tag, digest, err := c.analyzedTag()
	if err != nil {
		return nil, err
	}
	list, err := operations.ListPackages.Run(c, c.system, operations.PackagesRequest{TagRequest: operations.OfTag(tag.Target), Page: operations.Page{Limit: 1}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"imageDigest": digest, "metadata_type": "dockerfile", "metadata": base64.StdEncoding.EncodeToString([]byte(list.Dockerfile))}, nil
}
