package inspect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source/stereoscopesource"
	_ "github.com/glebarez/go-sqlite" // reads the database of RPM packages

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ConfigRevision has to be raised when syftConfig or the code of this package gives
// other results, so that images are analyzed again.
const ConfigRevision = 4

// syftConfig is the configuration with which grype's command line calls syft;
// another one finds other vulnerabilities.
func syftConfig(version string, image *opened) *syft.CreateSBOMConfig {
	config := syft.DefaultCreateSBOMConfig()
	config.Packages.JavaArchive.IncludeIndexedArchives = true
	config.Packages.JavaArchive.IncludeUnindexedArchives = false
	config.Packages.Golang = config.Packages.Golang.WithCaptureSymbols(cataloging.SymbolScopeAll)
	// Unused here; the defaults contain the child's folder, which would make the SBOM
	// of the same image different each time.
	config.Packages.Golang.LocalModCacheDir, config.Packages.JavaArchive.MavenLocalRepositoryDir = "", ""
	config.Compliance.MissingVersion = cataloging.ComplianceActionDrop
	// A file with some readable packages can have unreadable ones too.
	config.Unknowns.RemoveWhenPackagesDefined = false
	return withBundles(config, image).WithoutFiles().WithTool("syft", version).WithParallelism(max(2, runtime.GOMAXPROCS(0)))
}

// catalog finds the image's packages.
func (i *inspector) catalog(ctx context.Context, image *opened, request Request, progress *reporter) (*sbom.SBOM, databases, error) {
	progress.followPackages()
	source := stereoscopesource.New(image.Image, stereoscopesource.ImageConfig{Reference: request.Name})
	config := syftConfig(i.version, image)
	resolver, err := source.FileResolver(config.Search.Scope)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog packages: %w: %w", errkind.Invalid, err)
	}
	found, err := checkDatabases(resolver)
	if err != nil {
		return nil, nil, err
	}
	bill, err := syft.CreateSBOM(ctx, source, config) // a context that never ends: syft would return a partial SBOM
	if err != nil {
		return nil, nil, fmt.Errorf("catalog packages: %w: %w", errkind.Invalid, err)
	}
	if err := complete(bill, i.limits); err != nil {
		return nil, nil, err
	}
	return bill, found, found.checkRead(bill)
}

// complete refuses an SBOM that is incomplete because a limit was met: syft only
// records such errors, as text.
func complete(bill *sbom.SBOM, limits sandbox.Limits) error {
	for where, reasons := range bill.Artifacts.Unknowns {
		for _, reason := range reasons {
			for _, errno := range sandbox.Shortages {
				if strings.Contains(reason, errno.Error()) {
					return fmt.Errorf("catalog packages of %s: %w", where.RealPath, sandbox.Shortage(errno, limits))
				}
			}
		}
	}
	return nil
}

func writeSBOM(folder string, bill *sbom.SBOM) error {
	file, err := os.Create(filepath.Join(folder, SBOMFile))
	if err != nil {
		return fmt.Errorf("write SBOM: %w", err)
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := errors.Join(syftjson.NewFormatEncoder().Encode(buffered, *bill), buffered.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write SBOM: %w", err)
	}
	return nil
}
