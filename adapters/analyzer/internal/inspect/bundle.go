package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/cataloging/pkgcataloging"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/dotnet"
)

// bundleMarker is in each executable that .NET can pack an application into:
// src/native/corehost/apphost/bundle_marker.cpp of
// https://github.com/dotnet/runtime.
var bundleMarker = []byte{
	0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
	0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
}

// maxBundle is how many bytes of an executable syft searches for the marker. It
// reports larger ones as not completely read.
const maxBundle = 512 << 20

// withBundles makes syft's .NET cataloger read only executables with the marker. By
// default it reads every executable of the image whole into memory, a fifth of the
// processor time of an image of 700 MiB.
func withBundles(config *syft.CreateSBOMConfig) *syft.CreateSBOMConfig {
	own := bundleCataloger{dotnet.NewDotnetDepsBinaryCataloger(config.Packages.Dotnet)}
	return config.
		WithCatalogerSelection(cataloging.NewSelectionRequest().WithRemovals(own.Name())).
		WithCatalogers(pkgcataloging.NewAlwaysEnabledCatalogerReference(own))
}

type bundleCataloger struct{ pkg.Cataloger }

// Catalog implements pkg.Cataloger.
func (c bundleCataloger) Catalog(ctx context.Context, resolver file.Resolver) ([]pkg.Package, []artifact.Relationship, error) {
	return c.Cataloger.Catalog(ctx, bundles{resolver})
}

// bundles leaves out executables that are not bundles.
type bundles struct{ file.Resolver }

// FilesByMIMEType implements file.PathResolver.
func (b bundles) FilesByMIMEType(types ...string) ([]file.Location, error) {
	found, err := b.Resolver.FilesByMIMEType(types...)
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, 256<<10)
	return slices.DeleteFunc(found, func(location file.Location) bool { return !b.mayBeBundle(location, buffer) }), nil
}

// mayBeBundle is also true for an unreadable file, so that syft reports it.
func (b bundles) mayBeBundle(location file.Location, buffer []byte) bool {
	metadata, err := b.FileMetadataByLocation(location)
	if err != nil || metadata.Size() > maxBundle {
		return true
	}
	content, err := b.FileContentsByLocation(location)
	if err != nil {
		return true
	}
	defer content.Close()
	found, err := holds(content, bundleMarker, buffer)
	return found || err != nil
}

// holds searches content for a pattern, a buffer at a time.
func holds(content io.Reader, pattern, buffer []byte) (bool, error) {
	kept := 0
	for {
		n, err := io.ReadFull(content, buffer[kept:])
		read := buffer[:kept+n]
		if bytes.Contains(read, pattern) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		kept = copy(buffer, read[len(read)-len(pattern)+1:])
	}
}
