package page

import (
	"context"
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// placesPerPage is how many places of a vulnerability or package a page lists.
const placesPerPage = 50

// Place is where a vulnerability or a package is.
type Place struct {
	Key     string // for a Cursor
	Target  image.Target
	Digest  image.Digest
	Package vuln.Package
	More    int // packages that belong together with this one and are found, too
	// ID is that of the record that reports the vulnerability; empty for a package.
	ID       string
	Severity vuln.Severity
	Fix      vuln.Fix
	// Older reports that the tag points to another image, RunBy names the workloads that
	// run this one.
	Older bool
	RunBy []string
}

// shownWorkloads is how many workloads a place names.
const shownWorkloads = 3

// Workloads names the first of those that run the image.
func (p Place) Workloads() string {
	if most := shownWorkloads; len(p.RunBy) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(p.RunBy[:most], ", "), len(p.RunBy)-most)
	}
	return strings.Join(p.RunBy, ", ")
}

// Link is the tag, with the package that was found if it still points to the image.
func (p Place) Link() string {
	if p.Older {
		return tagLink("/tag", p.Target) + "#facts"
	}
	return tagLink("/tag", p.Target, "package", p.Package.Name) + "#vulnerabilities"
}

// Fixes are the versions with a fix, or the word of the data for having none.
func (p Place) Fixes() string { return fixText(p.Fix) }

// searchPage is what was found over all tags.
type searchPage struct {
	Text string
	Kind string // what the text names
	Rows []Place
	// Uncovered are tags whose distribution the data does not cover: they may have the
	// vulnerability, too.
	Uncovered int
	Pager     pager
}

// What a search is for.
const (
	searchVulnerability = "vulnerability"
	searchPackage       = "package"
)

// search finds a vulnerability by its id or an alias, or a package by its name or URL. A
// text that names no vulnerability of any tag is taken for a package.
func (s *Site) search(ctx context.Context, p *parameters) (view, error) {
	page, cursor := searchPage{Text: p.text("q"), Kind: choice(p, "kind", searchVulnerability, searchPackage)}, p.cursor(placesPerPage)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	if page.Text == "" {
		return view{"search", "Search", page}, nil
	}
	found, kind, err := s.places(ctx, page.Text, page.Kind, cursor)
	if err != nil {
		return view{}, err
	}
	if page.Kind = kind; kind == searchVulnerability {
		overview, err := readingOf(ctx).Installation(ctx)
		if err != nil {
			return view{}, err
		}
		page.Uncovered = overview.NotCovered
	}
	p.query.Set("kind", kind) // so that the next page searches the same
	page.Rows, page.Pager = window(p, "/search", cursor, found, func(place Place) string { return place.Key })
	return view{"search", "Search: " + shorten(page.Text, 100), page}, nil
}

func (s *Site) places(ctx context.Context, text, kind string, cursor Cursor) (found []Place, _ string, err error) {
	if kind == "" && vuln.IsPackageURL(text) {
		kind = searchPackage
	}
	if kind != searchPackage {
		if found, err = readingOf(ctx).FindVulnerability(ctx, text, cursor); err != nil || len(found) > 0 || kind == searchVulnerability || namesVulnerability(text) {
			return found, searchVulnerability, err
		}
	}
	if !vuln.IsPackageURL(text) {
		found, err = readingOf(ctx).FindPackage(ctx, PackageQuery{Name: strings.ToLower(text)}, cursor)
		return found, searchPackage, err
	}
	query, err := vuln.ParsePackageQuery(text)
	if err != nil {
		return nil, "", invalidParameter{fmt.Sprintf("The parameter \"q\" is a package URL that cannot be read. Write it as pkg:npm/lodash, pkg:npm/lodash@4.17.20 or pkg:npm/lodash@>=4,<4.17.21. (%s)", shorten(text, 100))}
	}
	found, err = readingOf(ctx).FindPackage(ctx, PackageQuery{Name: strings.ToLower(query.Name), Selects: query.Selects}, cursor)
	return found, searchPackage, err
}

// namesVulnerability reports that a text looks like the id of one.
func namesVulnerability(text string) bool {
	prefix, _, found := strings.Cut(strings.ToUpper(text), "-")
	return found && (prefix == "CVE" || prefix == "GHSA")
}

// PackageQuery selects packages.
type PackageQuery struct {
	Name    string                  // in lower case
	Selects func(vuln.Package) bool // nil for all of the name
}
