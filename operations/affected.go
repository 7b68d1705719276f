package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// FindVulnerability lists the tags that have a vulnerability.
var FindVulnerability = Operation[AffectedRequest, AffectedList]{Name: "find-vulnerability", Summary: "List the watched tags that contain a vulnerability",
	Method: http.MethodGet, Path: "/affected", Scope: token.Read, do: findVulnerability}

// AffectedRequest names a vulnerability by its id or that of a related record.
type AffectedRequest struct {
	ID string `query:"id" required:"true" minLength:"1" maxLength:"200" doc:"Id of the vulnerability or of a related record, in any case." example:"CVE-2021-44228"`
	Page
}

// AffectedList is a page of what has the vulnerability.
type AffectedList struct {
	Affected []Affected `json:"affected"`
	// NotCovered are tags that may have it, too: the data has nothing about their
	// distribution. The first page lists up to 1,000 of them.
	NotCovered []image.Target `json:"not_covered"`
	Next       string         `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Affected is a package of a tag that has the vulnerability.
type Affected struct {
	Target    image.Target  `json:"target"`
	Digest    image.Digest  `json:"digest"`
	ID        string        `json:"id"`
	Package   string        `json:"package"`
	Version   string        `json:"version"`
	Type      string        `json:"type"`
	Namespace string        `json:"namespace"`
	Severity  vuln.Severity `json:"severity"`
	FixState  vuln.FixState `json:"fix_state"`
	Fixes     []string      `json:"fixed_in"`
	// Older reports that the tag points to another image by now: it is listed because
	// workloads still run this one.
	Older bool `json:"older,omitempty"`
	// Workloads are the first 50 that run the image.
	Workloads []workload.Instance `json:"workloads,omitempty"`
}

func findVulnerability(ctx context.Context, s *System, request AffectedRequest) (AffectedList, error) {
	none := AffectedList{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	places, err := kept.Affected(ctx, request.ID)
	if err != nil {
		return none, err
	}
	all := []Affected{}
	for _, p := range places {
		if s.Bounds.Include(p.Target) {
			all = append(all, Affected{p.Target, p.Digest, p.ID, p.Package, p.Version, p.Type, p.Namespace, p.Severity, p.Fix.State, append([]string{}, p.Fix.Versions...), p.Older, p.Workloads})
		}
	}
	list := AffectedList{NotCovered: []image.Target{}}
	if list.Affected, list.Next, err = part(request.Page, all); err != nil || request.After != "" {
		return list, err
	}
	uncovered, err := kept.NotCovered(ctx)
	if err != nil {
		return none, err
	}
	for _, target := range uncovered {
		if s.Bounds.Include(target) && len(list.NotCovered) < MostPage {
			list.NotCovered = append(list.NotCovered, target)
		}
	}
	return list, nil
}

// FindPackage lists the tags whose images hold a package, whether or not a vulnerability
// is known of it.
var FindPackage = Operation[PackageRequest, HolderList]{Name: "find-package", Summary: "List the watched tags that contain a package",
	Method: http.MethodGet, Path: "/affected/packages", Scope: token.Read, do: findPackage}

// PackageRequest names a package by its package URL, whose version may be comparisons.
type PackageRequest struct {
	PURL string `query:"purl" required:"true" minLength:"5" maxLength:"1000" doc:"Package URL; its version may be comparisons separated by commas." example:"pkg:npm/lodash@<4.17.21"`
	Page
}

// HolderList is a page of tags that hold a package.
type HolderList struct {
	Holders []Holder `json:"holders"`
	Next    string   `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Holder is a package of a tag's image.
type Holder struct {
	Target  image.Target `json:"target"`
	Digest  image.Digest `json:"digest"`
	Package string       `json:"package"`
	Version string       `json:"version"`
	Type    string       `json:"type"`
	PURL    string       `json:"purl"`
	// Older reports that the tag points to another image by now: it is listed because
	// workloads still run this one.
	Older bool `json:"older,omitempty"`
	// Workloads are the first 50 that run the image.
	Workloads []workload.Instance `json:"workloads,omitempty"`
}

func findPackage(ctx context.Context, s *System, request PackageRequest) (HolderList, error) {
	none := HolderList{}
	query, err := vuln.ParsePackageQuery(request.PURL)
	if err != nil {
		return none, refused(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	places, err := kept.AffectedByPackage(ctx, query)
	if err != nil {
		return none, err
	}
	all := []Holder{}
	for _, p := range places {
		if s.Bounds.Include(p.Target) {
			all = append(all, Holder{p.Target, p.Digest, p.Package.Name, p.Package.Version, p.Package.Type, p.Package.PURL, p.Older, p.Workloads})
		}
	}
	list := HolderList{}
	list.Holders, list.Next, err = part(request.Page, all)
	return list, err
}
