package operations

import (
	"context"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListPackages lists what the last analyzed image of a tag contains.
var ListPackages = Operation[PackagesRequest, PackageList]{Name: "list-packages", Summary: "List the packages of a tag's last analyzed image",
	Method: http.MethodGet, Path: "/tag/packages", Scope: token.Read, do: listPackages}

// PackagesRequest names a tag.
type PackagesRequest struct {
	TagRequest
	Page
}

// PackageList is a page of the packages of an image, with what else is known of it.
type PackageList struct {
	Target image.Target `json:"target"`
	Digest image.Digest `json:"digest"`
	// ImageID is the digest of the configuration, without the name of its algorithm.
	ImageID      string    `json:"image_id"`
	OS           string    `json:"os"`
	Architecture string    `json:"architecture"`
	Distribution string    `json:"distribution"`
	Release      string    `json:"distribution_version"`
	Created      time.Time `json:"created,omitzero"`
	Analyzed     time.Time `json:"analyzed,omitzero"`
	Size         int64     `json:"size"`
	Layers       int       `json:"layers"`
	// Dockerfile was given by a person if Given is set, and inferred otherwise.
	Dockerfile string          `json:"dockerfile"`
	Given      bool            `json:"dockerfile_given"`
	Packages   []ListedPackage `json:"packages"`
	Next       string          `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// ListedPackage is a package of an image.
type ListedPackage struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Type      string   `json:"type"`
	PURL      string   `json:"purl,omitempty"`
	Source    string   `json:"source,omitempty"`
	Licenses  []string `json:"licenses"`
	Location  string   `json:"location,omitempty"`
	Locations []string `json:"locations"`
}

func listPackages(ctx context.Context, s *System, request PackagesRequest) (PackageList, error) {
	none := PackageList{}
	known, err := s.analyzed(ctx, request.TagRequest)
	if err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	inventory, err := kept.Inventory(ctx, known.Analyzed)
	if err != nil {
		return none, err
	}
	header, err := kept.ImageHeader(ctx, known.Analyzed)
	if err != nil {
		return none, err
	}
	list := PackageList{Target: known.Target, Digest: known.Analyzed, ImageID: inventory.ImageID, OS: inventory.OS, Architecture: inventory.Architecture,
		Distribution: inventory.Distro.ID, Release: inventory.Distro.VersionID, Created: inventory.Created, Analyzed: header.Analyzed, Size: inventory.Size,
		Layers: inventory.Layers, Dockerfile: inventory.Dockerfile.Text, Given: inventory.Dockerfile.Actual, Packages: []ListedPackage{}}
	packages, next, err := part(request.Page, inventory.Packages)
	list.Next = next
	for _, p := range packages {
		list.Packages = append(list.Packages, ListedPackage{Name: p.Name, Version: p.Version, Type: p.Type, PURL: p.PURL, Source: p.Source,
			Licenses: append([]string{}, p.Licenses...), Location: p.Location, Locations: append([]string{}, p.Locations...)})
	}
	return list, err
}
