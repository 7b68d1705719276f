package inspect

import (
	"context"
	"slices"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/cataloging/pkgcataloging"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/dotnet"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
)

// maxBundle is how many bytes of an executable syft searches for a bundle. It reports
// larger ones as not completely read.
const maxBundle = 512 << 20

// withBundles makes syft's .NET cataloger read only executables of the image with the
// marker of bundles. By default it reads every executable whole into memory, a fifth of
// the processor time of an image of 700 MiB.
func withBundles(config *syft.CreateSBOMConfig, image *opened) *syft.CreateSBOMConfig {
	own := bundleCataloger{dotnet.NewDotnetDepsBinaryCataloger(config.Packages.Dotnet), image}
	return config.
		WithCatalogerSelection(cataloging.NewSelectionRequest().WithRemovals(own.Name())).
		WithCatalogers(pkgcataloging.NewAlwaysEnabledCatalogerReference(own))
}

type bundleCataloger struct {
	pkg.Cataloger
	image *opened
}

// Catalog implements pkg.Cataloger.
func (c bundleCataloger) Catalog(ctx context.Context, resolver file.Resolver) ([]pkg.Package, []artifact.Relationship, error) {
	return c.Cataloger.Catalog(ctx, bundles{resolver, c.image})
}

// bundles leaves out executables that are not bundles.
type bundles struct {
	file.Resolver
	image *opened
}

// FilesByMIMEType implements file.PathResolver.
func (b bundles) FilesByMIMEType(types ...string) ([]file.Location, error) {
	found, err := b.Resolver.FilesByMIMEType(types...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(location file.Location) bool { return !b.mayBeBundle(location) }), nil
}

// mayBeBundle is also true for an unreadable file, so that syft reports it.
func (b bundles) mayBeBundle(location file.Location) bool {
	metadata, err := b.FileMetadataByLocation(location)
	if err != nil || metadata.Size() > maxBundle {
		return true
	}
	entry, err := b.image.FileCatalog.Get(location.Reference())
	if err != nil {
		return true
	}
	if known := b.image.sumOf(entry, sums.Bundle); known != "" {
		return known != sums.NoBundle
	}
	content, err := b.FileContentsByLocation(location)
	if err != nil {
		return true
	}
	defer content.Close()
	digest, err := sums.Digest(content, sums.Bundle)
	return err != nil || digest != sums.NoBundle
}
