package policy

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Input is what a bundle is evaluated for: an image under a reference, with
// everything that is known about it.
type Input struct {
	Reference image.Reference
	Inventory *sbom.Inventory
	// Failed is the image that the reference points to if it could not be analyzed
	// or matched; the rest is then about the last one that could. Nil otherwise.
	Failed *FailedImage
	// Matches are the image's vulnerabilities. They count only if Matched: an
	// image that could not be matched is not one without vulnerabilities.
	Matches []vuln.Match
	Matched bool
	Feed    Feed
	// NPM and Gems are what the package registries know of the image's
	// packages; nil while no such registry is configured.
	NPM, Gems *PackageFeed
	// Acceptances are those that are for the reference. What they cover passes as what a
	// whitelist item matches.
	Acceptances []acceptance.Acceptance
}

// FailedImage is an image that could not be analyzed.
type FailedImage struct {
	Digest image.Digest
	Reason string
}

// Feed is the vulnerability data the image was matched with.
type Feed struct {
	// Built is when the data were made; zero without any data.
	Built time.Time
	// Coverage reports whether they are about the image's distribution at all.
	Coverage vuln.Coverage
}

// PackageFeed is a package registry's view of published packages.
type PackageFeed struct {
	// Packages are the known packages by name; a name that is missing was asked
	// for and is not in the registry.
	Packages map[string]Published
}

// Published is what a package registry knows of one package.
type Published struct {
	Latest   string
	Versions []string
}
