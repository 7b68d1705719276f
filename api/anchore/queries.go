package anchore

import (
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
)

// holders are packages of images that a query found, by image, in order.
type holders struct {
	order    []image.Digest
	tags     map[image.Digest][]image.Target
	packages map[image.Digest][]map[string]any
	seen     map[string]bool
}

func (h *holders) add(t image.Target, digest image.Digest, packaged map[string]any) {
	if h.tags == nil {
		h.tags, h.packages, h.seen = map[image.Digest][]image.Target{}, map[image.Digest][]map[string]any{}, map[string]bool{}
	}
	if h.tags[digest] == nil {
		h.order = append(h.order, digest)
	}
	if key := "tag " + string(digest) + t.String(); !h.seen[key] {
		h.seen[key] = true
		h.tags[digest] = append(h.tags[digest], t)
	}
	key := string(digest)
	for _, part := range []string{"name", "version", "type", "namespace", "severity"} {
		text, _ := packaged[part].(string)
		key += "\x00" + text
	}
	if !h.seen[key] {
		h.seen[key] = true
		h.packages[digest] = append(h.packages[digest], packaged)
	}
}

// answer is a page of the images.
func (h *holders) answer(c *call, packages string) (any, error) {
	page, err := c.number("page", 1, 1_000_000)
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", operations.MostPage, operations.MostPage)
	if err != nil {
		return nil, err
	}
	from := min((page-1)*limit, len(h.order))
	to, next := min(from+limit, len(h.order)), ""
	if to < len(h.order) {
		next = strconv.Itoa(page + 1)
	}
	images := []any{}
	for _, digest := range h.order[from:to] {
		tags := []any{}
		for _, t := range h.tags[digest] {
			ref := t.Reference
			tags = append(tags, map[string]any{"registry": ref.Repository.Registry, "repo": ref.Repository.Path, "tag": ref.Tag, "fulltag": ref.String(), "tag_detected_at": nil})
		}
		images = append(images, map[string]any{"image": map[string]any{"imageDigest": digest, "parentDigest": digest, "imageId": nil, "analyzed_at": nil, "tag_history": tags}, packages: h.packages[digest]})
	}
	return map[string]any{"images": images, "page": strconv.Itoa(page), "next_page": next, "returned_count": len(images)}, nil
}

func imagesByVulnerability(c *call) (any, error) {
	id := c.parameter("vulnerability_id")
	if id == "" {
		return nil, invalid("the parameter vulnerability_id is required")
	}
	affected, err := operations.All(func(page operations.Page) ([]operations.Affected, string, error) {
		list, err := operations.FindVulnerability.Run(c, c.system, operations.AffectedRequest{ID: id, Page: page})
		return list.Affected, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	severity, namespace, name := c.parameter("severity"), c.parameter("namespace"), c.parameter("affected_package")
	var found holders
	for _, a := range affected {
		if a.Older || severity != "" && !strings.EqualFold(severity, string(a.Severity)) || namespace != "" && namespace != a.Namespace || name != "" && name != a.Package {
			continue
		}
		found.add(a.Target, a.Digest, map[string]any{"name": a.Package, "version": a.Version, "type": policy.PackageType(a.Type), "namespace": a.Namespace, "severity": string(a.Severity)})
	}
	return found.answer(c, "affected_packages")
}

// urlTypes are the types of package URLs by Anchore's types of packages.
var urlTypes = []struct{ anchore, url string }{
	{"dpkg", "deb"}, {"rpm", "rpm"}, {"APKG", "apk"}, {"npm", "npm"}, {"gem", "gem"}, {"python", "pypi"}, {"java", "maven"}, {"go", "golang"},
}

func imagesByPackage(c *call) (any, error) {
	name, version, kind := c.parameter("name"), c.parameter("version"), c.parameter("package_type")
	if name == "" {
		return nil, invalid("the parameter name is required")
	}
	var found holders
	known := false
	for _, each := range urlTypes {
		if kind != "" && !strings.EqualFold(kind, each.anchore) {
			continue
		}
		known = true
		query := "pkg:" + each.url + "/" + name
		if version != "" {
			query += "@" + version
		}
		holding, err := operations.All(func(page operations.Page) ([]operations.Holder, string, error) {
			list, err := operations.FindPackage.Run(c, c.system, operations.PackageRequest{PURL: query, Page: page})
			return list.Holders, list.Next, err
		})
		if err != nil {
			return nil, err
		}
		for _, h := range holding {
			if h.Older {
				continue
			}
			found.add(h.Target, h.Digest, map[string]any{"name": h.Package, "version": h.Version, "type": policy.PackageType(h.Type)})
		}
	}
	if !known {
		return nil, invalid("invalid value " + strconv.Quote(kind) + " for package_type: expected dpkg, rpm, APKG, npm, gem, python, java or go")
	}
	return found.answer(c, "packages")
}
